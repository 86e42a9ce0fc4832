// The module as JavaScript sees it: arguments are unpacked here and nowhere else. What is called for every operator
// is raw Node-API and gives a number; the rest throws errors with a `kind` that src/native/failures.ts puts in words.
#include <napi.h>

#include <cstring>
#include <functional>
#include <memory>

#include "session.h"

namespace flambeau {
namespace {

/** All that one environment (the main thread, or a worker) opened. It goes when the environment goes. */
struct Environment {
  std::vector<std::unique_ptr<std::shared_ptr<Session>>> sessions;
};

Napi::Error toError(Napi::Env env, const Failure& failure) {
  Napi::Error error = Napi::Error::New(env, failure.detail);
  error.Set("kind", Napi::String::New(env, failure.kind));
  error.Set("result", Napi::Number::New(env, failure.result));
  return error;
}

using Method = std::function<Napi::Value(const Napi::CallbackInfo&)>;

void define(Napi::Env env, Napi::Object target, const char* name, Method method) {
  target.Set(name, Napi::Function::New(
                       env,
                       [method](const Napi::CallbackInfo& info) -> Napi::Value {
                         try {
                           return method(info);
                         } catch (const Failure& failure) {
                           throw toError(info.Env(), failure);
                         }
                       },
                       name));
}

std::vector<std::string> strings(const Napi::Value& value) {
  auto array = value.As<Napi::Array>();
  std::vector<std::string> texts;
  for (uint32_t i = 0; i < array.Length(); i++) texts.push_back(array.Get(i).As<Napi::String>());
  return texts;
}

size_t sizeAt(const Napi::CallbackInfo& info, size_t i) {
  return static_cast<size_t>(info[i].As<Napi::Number>().DoubleValue());
}

int intAt(const Napi::CallbackInfo& info, size_t i) { return info[i].As<Napi::Number>().Int32Value(); }

Napi::Value number(Napi::Env env, double value) { return Napi::Number::New(env, value); }

// ---- calls that are made for every operator

using Holder = std::shared_ptr<Session>;

template <class F>
napi_value quick(napi_env env, napi_callback_info info, F call) {
  napi_value arguments[4];
  size_t count = 4;
  void* data;
  napi_get_cb_info(env, info, &count, arguments, nullptr, &data);
  Session* session = static_cast<Holder*>(data)->get();
  CUresult result = session ? call(session, arguments) : CUDA_ERROR_INVALID_CONTEXT;
  if (result == CUDA_SUCCESS) return nullptr;
  napi_value value;
  napi_create_int32(env, result, &value);
  return value;
}

double doubleOf(napi_env env, napi_value value) {
  double number = 0;
  napi_get_value_double(env, value, &number);
  return number;
}

napi_value quickLaunch(napi_env env, napi_callback_info info) {
  return quick(env, info, [](Session* session, napi_value*) { return session->launch(); });
}

napi_value quickGemm(napi_env env, napi_callback_info info) {
  return quick(env, info, [](Session* session, napi_value*) { return session->gemm(); });
}

napi_value quickCopy(napi_env env, napi_callback_info info) {
  return quick(env, info, [env](Session* session, napi_value* arguments) {
    return session->copy(static_cast<CUdeviceptr>(doubleOf(env, arguments[0])),
                         static_cast<CUdeviceptr>(doubleOf(env, arguments[1])),
                         static_cast<size_t>(doubleOf(env, arguments[2])));
  });
}

napi_value quickWrite(napi_env env, napi_callback_info info) {
  return quick(env, info, [env](Session* session, napi_value* arguments) {
    void* bytes = nullptr;
    size_t count = 0;
    if (napi_get_typedarray_info(env, arguments[1], nullptr, &count, &bytes, nullptr, nullptr) != napi_ok)
      return static_cast<CUresult>(CUDA_ERROR_INVALID_VALUE);
    return session->write(static_cast<CUdeviceptr>(doubleOf(env, arguments[0])), static_cast<char*>(bytes), count);
  });
}

/** `readNow(address, bytes, fault)`: fills both typed arrays. */
napi_value quickRead(napi_env env, napi_callback_info info) {
  return quick(env, info, [env](Session* session, napi_value* arguments) {
    void *bytes = nullptr, *fault = nullptr;
    size_t count = 0;
    if (napi_get_typedarray_info(env, arguments[1], nullptr, &count, &bytes, nullptr, nullptr) != napi_ok ||
        napi_get_typedarray_info(env, arguments[2], nullptr, nullptr, &fault, nullptr, nullptr) != napi_ok)
      return static_cast<CUresult>(CUDA_ERROR_INVALID_VALUE);
    return session->readNow(static_cast<CUdeviceptr>(doubleOf(env, arguments[0])), static_cast<char*>(bytes), count,
                            static_cast<char*>(fault));
  });
}

/** The session of a holder. @throws Failure after it was closed */
Session& live(Holder* holder) {
  if (!*holder) throw Failure{"driver", CUDA_ERROR_INVALID_CONTEXT, "the session is closed"};
  return **holder;
}

// ---- reads that wait in another thread

class ReadWorker : public Napi::AsyncWorker {
 public:
  ReadWorker(Napi::Env env, Holder session, PendingRead read)
      : Napi::AsyncWorker(env), promise(Napi::Promise::Deferred::New(env)), session_(std::move(session)), read_(read) {}
  void Execute() override { session_->finish(read_); }
  void OnOK() override {
    Napi::Env env = Env();
    if (read_.result != CUDA_SUCCESS) {
      Failure failure{"driver", read_.result, "read: " + describe(read_.result)};
      session_->drop(read_);
      promise.Reject(toError(env, failure).Value());
      return;
    }
    const size_t count = read_.bytes - kFaultBytes;
    auto bytes = Napi::ArrayBuffer::New(env, count);
    auto fault = Napi::ArrayBuffer::New(env, kFaultBytes);
    if (count > 0) std::memcpy(bytes.Data(), read_.block, count);
    std::memcpy(fault.Data(), static_cast<char*>(read_.block) + count, kFaultBytes);
    session_->drop(read_);
    auto both = Napi::Object::New(env);
    both.Set("bytes", bytes);
    both.Set("fault", fault);
    promise.Resolve(both);
  }
  Napi::Promise::Deferred promise;

 private:
  Holder session_;
  PendingRead read_;
};

// ---- a session as an object

void quickMethod(Napi::Env env, Napi::Object target, const char* name, napi_callback callback, Holder* holder) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, holder, &function);
  target.Set(name, Napi::Value(env, function));
}

void defineMemory(Napi::Env env, Napi::Object object, Holder* holder) {
  define(env, object, "allocate", [holder](const Napi::CallbackInfo& info) {
    CUdeviceptr address = 0;
    CUresult result = live(holder).allocate(sizeAt(info, 0), address);
    if (result == CUDA_ERROR_OUT_OF_MEMORY) return number(info.Env(), 0);
    check("cuMemAlloc", result);
    return number(info.Env(), static_cast<double>(address));
  });
  define(env, object, "release", [holder](const Napi::CallbackInfo& info) {
    check("cuMemFree", live(holder).release(static_cast<CUdeviceptr>(sizeAt(info, 0))));
    return info.Env().Undefined();
  });
  define(env, object, "memoryInfo", [holder](const Napi::CallbackInfo& info) {
    size_t free = 0, total = 0;
    check("cuMemGetInfo", live(holder).memoryInfo(free, total));
    auto both = Napi::Object::New(info.Env());
    both.Set("free", number(info.Env(), static_cast<double>(free)));
    both.Set("total", number(info.Env(), static_cast<double>(total)));
    return both.As<Napi::Value>();
  });
  define(env, object, "clear", [holder](const Napi::CallbackInfo& info) {
    check("cuMemsetD8Async", live(holder).clear(static_cast<CUdeviceptr>(sizeAt(info, 0)), sizeAt(info, 1)));
    return info.Env().Undefined();
  });
  define(env, object, "read", [holder](const Napi::CallbackInfo& info) -> Napi::Value {
    PendingRead read;
    CUresult result = live(holder).beginRead(static_cast<CUdeviceptr>(sizeAt(info, 0)), sizeAt(info, 1), read);
    // No page-locked memory of that size: the caller reads at once instead.
    if (result == CUDA_ERROR_OUT_OF_MEMORY) return info.Env().Undefined();
    check("cuMemcpyDtoHAsync", result);
    auto* worker = new ReadWorker(info.Env(), *holder, read);
    worker->Queue();
    return worker->promise.Promise();
  });
}

void defineKernels(Napi::Env env, Napi::Object object, Holder* holder) {
  define(env, object, "loadFunction", [holder](const Napi::CallbackInfo& info) {
    auto image = info[0].As<Napi::Uint8Array>();
    // The driver reads PTX up to a zero, which machine code does not mind.
    std::string bytes(reinterpret_cast<const char*>(image.Data()), image.ByteLength());
    return number(info.Env(), live(holder).loadFunction(bytes, info[1].As<Napi::String>()));
  });
  define(env, object, "functionAttributes", [holder](const Napi::CallbackInfo& info) {
    int registers = 0, localBytes = 0, sharedBytes = 0;
    check("cuFuncGetAttribute", live(holder).functionAttributes(intAt(info, 0), registers, localBytes, sharedBytes));
    auto all = Napi::Object::New(info.Env());
    all.Set("registers", registers);
    all.Set("localBytes", localBytes);
    all.Set("sharedBytes", sharedBytes);
    return all.As<Napi::Value>();
  });
  define(env, object, "openBlas",
         [holder](const Napi::CallbackInfo& info) { return Napi::Boolean::New(info.Env(), live(holder).openBlasHandle()); });
  define(env, object, "recordEvent",
         [holder](const Napi::CallbackInfo& info) { return number(info.Env(), live(holder).recordEvent()); });
  define(env, object, "elapsedMs", [holder](const Napi::CallbackInfo& info) {
    return number(info.Env(), live(holder).elapsed(intAt(info, 0), intAt(info, 1)));
  });
  define(env, object, "dropEvents", [holder](const Napi::CallbackInfo& info) {
    live(holder).dropEvents();
    return info.Env().Undefined();
  });
}

Napi::Value openSession(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto commands = info[1].As<Napi::ArrayBuffer>();
  auto session = std::make_shared<Session>(intAt(info, 0), static_cast<int32_t*>(commands.Data()), commands.ByteLength());
  auto* environment = env.GetInstanceData<Environment>();
  environment->sessions.push_back(std::make_unique<Holder>(std::move(session)));
  // Functions keep the address of the holder, which stays until the environment goes.
  Holder* holder = environment->sessions.back().get();
  auto object = Napi::Object::New(env);
  object.Set("commands", commands);
  object.Set("fault", number(env, static_cast<double>((*holder)->fault())));
  quickMethod(env, object, "launch", quickLaunch, holder);
  quickMethod(env, object, "gemm", quickGemm, holder);
  quickMethod(env, object, "copy", quickCopy, holder);
  quickMethod(env, object, "write", quickWrite, holder);
  quickMethod(env, object, "readNow", quickRead, holder);
  defineMemory(env, object, holder);
  defineKernels(env, object, holder);
  define(env, object, "close", [holder](const Napi::CallbackInfo& called) {
    holder->reset();  // reads under way hold it until they end
    return called.Env().Undefined();
  });
  return object;
}

Napi::Object defineModule(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Environment());
  define(env, exports, "openDriver", [](const Napi::CallbackInfo& info) {
    openDriver(strings(info[0]));
    auto found = Napi::Object::New(info.Env());
    found.Set("path", driver.path);
    found.Set("version", driver.version);
    found.Set("deviceCount", deviceCount());
    return found.As<Napi::Value>();
  });
  define(env, exports, "openNvrtc", [](const Napi::CallbackInfo& info) {
    openNvrtc(strings(info[0]), intAt(info, 1));
    auto found = Napi::Object::New(info.Env());
    found.Set("path", nvrtc.path);
    found.Set("version", std::to_string(nvrtc.major) + "." + std::to_string(nvrtc.minor));
    auto archs = supportedArchs();
    auto list = Napi::Array::New(info.Env(), archs.size());
    for (size_t i = 0; i < archs.size(); i++) list.Set(static_cast<uint32_t>(i), archs[i]);
    found.Set("archs", list);
    return found.As<Napi::Value>();
  });
  define(env, exports, "openBlas", [](const Napi::CallbackInfo& info) {
    openBlas(strings(info[0]));
    return Napi::String::New(info.Env(), blas.path).As<Napi::Value>();
  });
  define(env, exports, "deviceInfo", [](const Napi::CallbackInfo& info) {
    DeviceInfo device = deviceInfo(intAt(info, 0));
    auto found = Napi::Object::New(info.Env());
    found.Set("name", device.name);
    found.Set("sm", device.sm);
    found.Set("multiprocessors", device.multiprocessors);
    found.Set("maxSharedBytes", device.maxSharedBytes);
    found.Set("totalBytes", number(info.Env(), static_cast<double>(device.totalBytes)));
    return found.As<Napi::Value>();
  });
  define(env, exports, "describe", [](const Napi::CallbackInfo& info) {
    return Napi::String::New(info.Env(), describe(intAt(info, 0))).As<Napi::Value>();
  });
  define(env, exports, "compile", [](const Napi::CallbackInfo& info) {
    Compilation made = compile(info[0].As<Napi::String>(), info[1].As<Napi::String>(), strings(info[2]),
                               info[3].As<Napi::Boolean>());
    auto result = Napi::Object::New(info.Env());
    result.Set("log", made.log);
    if (made.compiled) {
      auto image = Napi::Uint8Array::New(info.Env(), made.image.size());
      std::memcpy(image.Data(), made.image.data(), made.image.size());
      result.Set("image", image);
    }
    return result.As<Napi::Value>();
  });
  define(env, exports, "openSession", openSession);
  return exports;
}

}  // namespace
}  // namespace flambeau

static Napi::Object initialise(Napi::Env env, Napi::Object exports) { return flambeau::defineModule(env, exports); }
NODE_API_MODULE(flambeau_cuda, initialise)
