// The entry points of the driver. Work on a stream is held until somebody waits for it, so that whoever forgets to
// wait sees old data.
#include <dlfcn.h>
#include <elf.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <deque>
#include <memory>
#include <sstream>

#include "emulator.h"

using emu::sticky;
typedef std::lock_guard<std::recursive_mutex> Lock;
typedef std::function<void()> Work;

struct CUstream_st {
  std::deque<Work> work;
  bool draining = false;
};
struct CUevent_st {
  uint64_t wanted = 0, done = 0;
  double atMs = 0;
  CUstream stream = nullptr;
};

namespace emu {
Options options;
std::recursive_mutex device;

static long number(const char* name, long otherwise) {
  const char* text = getenv(name);
  return text && *text ? atol(text) : otherwise;
}

void readOptions() {
  options.memoryBytes = static_cast<size_t>(number("FLAMBEAU_EMULATOR_MEMORY_MB", 4096)) << 20;
  options.check = number("FLAMBEAU_EMULATOR_CHECK", 0);
  options.deferred = number("FLAMBEAU_EMULATOR_DEFERRED", 1);
  options.verbose = number("FLAMBEAU_EMULATOR_VERBOSE", 0);
  options.discard = number("FLAMBEAU_EMULATOR_DISCARD", 0);
  options.blocking = number("CUDA_LAUNCH_BLOCKING", 0);
  options.order = static_cast<int>(number("FLAMBEAU_EMULATOR_ORDER", 0));
  options.seed = static_cast<unsigned>(number("FLAMBEAU_EMULATOR_SEED", 1));
  options.sm = static_cast<int>(number("FLAMBEAU_EMULATOR_SM", 80));
  options.driverVersion = static_cast<int>(number("FLAMBEAU_EMULATOR_DRIVER", 13000));
}
}  // namespace emu

namespace {
std::vector<CUstream> streams;
std::map<uintptr_t, size_t> pinned;
bool initialised;
int retained, contextObject;
thread_local CUcontext current;

double nowMs() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void drain(CUstream stream) {
  if (stream->draining) return;
  stream->draining = true;
  while (!stream->work.empty()) {
    Work work = std::move(stream->work.front());
    stream->work.pop_front();
    work();
  }
  stream->draining = false;
}

void drainAll() {
  for (CUstream stream : streams) drain(stream);
}

CUresult enqueue(CUstream stream, Work work) {
  if (!stream) {
    drainAll();
    work();
  } else {
    stream->work.push_back(std::move(work));
    if (!emu::options.deferred) drain(stream);
  }
  return sticky;
}

bool isPinned(const void* p) {
  auto after = pinned.upper_bound(reinterpret_cast<uintptr_t>(p));
  if (after == pinned.begin()) return false;
  --after;
  return reinterpret_cast<uintptr_t>(p) < after->first + after->second;
}

/** What every call but the first ones needs. */
CUresult readiness() {
  if (!initialised) return CUDA_ERROR_NOT_INITIALIZED;
  if (!current) return CUDA_ERROR_INVALID_CONTEXT;
  return sticky;
}
#define NEED_CONTEXT \
  Lock lock(emu::device); \
  if (CUresult lacking = readiness()) return lacking

void* host(CUdeviceptr address) { return reinterpret_cast<void*>(address); }

CUresult waitFor(CUevent event) {
  if (event->done < event->wanted && event->stream) drain(event->stream);
  return sticky;
}

/** Before the lines of an image that lies in a library of many: its path, the part's number, the entry's name. */
constexpr char kPartMagic[] = "emulated part\n";

/** Loads an image that is a library of its own. */
CUresult openImage(const void* image, void*& library) {
  if (memcmp(image, ELFMAG, 4) != 0) return CUDA_ERROR_INVALID_IMAGE;
  auto header = static_cast<const Elf64_Ehdr*>(image);
  if (header->e_machine != EM_X86_64) return CUDA_ERROR_NO_BINARY_FOR_GPU;
  size_t bytes = header->e_shoff + static_cast<size_t>(header->e_shnum) * header->e_shentsize;
  // A name of its own: the loader takes a name that it knows for the library that it knows.
  std::string path = std::string(getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp") + "/emulated-kernel-XXXXXX";
  int file = mkstemp(&path[0]);
  bool written = file >= 0 && write(file, image, bytes) == static_cast<ssize_t>(bytes);
  if (file >= 0) close(file);
  library = written ? dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL) : nullptr;
  unlink(path.c_str());
  if (!written) return CUDA_ERROR_UNKNOWN;
  if (library) return CUDA_SUCCESS;
  fprintf(stderr, "[emulated CUDA] %s\n", dlerror());
  return CUDA_ERROR_INVALID_IMAGE;
}
}  // namespace

#pragma GCC visibility push(default)
extern "C" {

CUresult cuInit(unsigned) {
  Lock lock(emu::device);
  emu::readOptions();
  if (getenv("FLAMBEAU_EMULATOR_NO_DEVICE")) return CUDA_ERROR_NO_DEVICE;
  initialised = true;
  return CUDA_SUCCESS;
}
CUresult cuDriverGetVersion(int* version) {
  *version = emu::options.driverVersion;
  return CUDA_SUCCESS;
}
CUresult cuDeviceGetCount(int* count) {
  *count = 1;
  return CUDA_SUCCESS;
}
CUresult cuDeviceGet(CUdevice* found, int ordinal) {
  if (ordinal != 0) return CUDA_ERROR_INVALID_DEVICE;
  *found = 0;
  return CUDA_SUCCESS;
}
CUresult cuDeviceGetName(char* name, int length, CUdevice) {
  snprintf(name, static_cast<size_t>(length), "sm_%d emulated on the CPU", emu::options.sm);
  return CUDA_SUCCESS;
}
CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice) {
  *bytes = emu::options.memoryBytes;
  return CUDA_SUCCESS;
}
CUresult cuDeviceGetAttribute(int* value, int attribute, CUdevice) {
  const int sm = emu::options.sm;
  switch (attribute) {
    case CU_ATTRIBUTE_MULTIPROCESSOR_COUNT: *value = 4; break;
    case CU_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: *value = sm / 10; break;
    case CU_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: *value = sm % 10; break;
    case CU_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN: *value = sm >= 90 ? 232448 : 166912; break;
    default: return CUDA_ERROR_INVALID_VALUE;
  }
  return CUDA_SUCCESS;
}
CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice) {
  Lock lock(emu::device);
  if (retained++ == 0) emu::readOptions();
  *context = reinterpret_cast<CUcontext>(&contextObject);
  return CUDA_SUCCESS;
}
CUresult cuDevicePrimaryCtxRelease_v2(CUdevice) {
  Lock lock(emu::device);
  if (retained == 0) return CUDA_ERROR_INVALID_CONTEXT;
  if (--retained == 0) {
    drainAll();
    sticky = CUDA_SUCCESS;
    emu::stickyText.clear();
  }
  return CUDA_SUCCESS;
}
CUresult cuCtxSetCurrent(CUcontext context) {
  current = context;
  return CUDA_SUCCESS;
}

CUresult cuMemGetInfo_v2(size_t* free, size_t* total) {
  NEED_CONTEXT;
  *free = emu::freeBytes();
  *total = emu::options.memoryBytes;
  return CUDA_SUCCESS;
}
CUresult cuMemAlloc_v2(CUdeviceptr* address, size_t bytes) {
  NEED_CONTEXT;
  if (bytes == 0) return CUDA_ERROR_INVALID_VALUE;
  *address = emu::allocate(bytes);
  return *address ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}
CUresult cuMemFree_v2(CUdeviceptr address) {
  Lock lock(emu::device);
  if (!current) return CUDA_ERROR_INVALID_CONTEXT;
  drainAll();
  if (address && !emu::release(address)) return CUDA_ERROR_INVALID_VALUE;
  return sticky;
}
CUresult cuMemHostAlloc(void** address, size_t bytes, unsigned) {
  NEED_CONTEXT;
  if (bytes == 0) return CUDA_ERROR_INVALID_VALUE;
  *address = aligned_alloc(4096, (bytes + 4095) & ~size_t{4095});
  if (!*address) return CUDA_ERROR_OUT_OF_MEMORY;
  memset(*address, 0xff, bytes);
  pinned[reinterpret_cast<uintptr_t>(*address)] = bytes;
  return CUDA_SUCCESS;
}
CUresult cuMemFreeHost(void* address) {
  Lock lock(emu::device);
  drainAll();
  if (!pinned.erase(reinterpret_cast<uintptr_t>(address))) return CUDA_ERROR_INVALID_VALUE;
  free(address);
  return sticky;
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr target, const void* source, size_t bytes, CUstream stream) {
  NEED_CONTEXT;
  if (!emu::inBuffer(target, bytes)) return CUDA_ERROR_INVALID_VALUE;
  // Pinned memory is read when the copy runs, any other at once.
  if (isPinned(source)) return enqueue(stream, [=] { memcpy(host(target), source, bytes); });
  auto staged = std::make_shared<std::vector<char>>(static_cast<const char*>(source), static_cast<const char*>(source) + bytes);
  return enqueue(stream, [=] { memcpy(host(target), staged->data(), bytes); });
}
CUresult cuMemcpyDtoHAsync_v2(void* target, CUdeviceptr source, size_t bytes, CUstream stream) {
  NEED_CONTEXT;
  if (!emu::inBuffer(source, bytes)) return CUDA_ERROR_INVALID_VALUE;
  CUresult result = enqueue(stream, [=] {
    if (!sticky) memcpy(target, host(source), bytes);
  });
  if (stream && !isPinned(target)) drain(stream);
  return result ? result : sticky;
}
CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr target, CUdeviceptr source, size_t bytes, CUstream stream) {
  NEED_CONTEXT;
  if (!emu::inBuffer(source, bytes) || !emu::inBuffer(target, bytes)) return CUDA_ERROR_INVALID_VALUE;
  return enqueue(stream, [=] { memmove(host(target), host(source), bytes); });
}
CUresult cuMemsetD8Async(CUdeviceptr target, unsigned char value, size_t bytes, CUstream stream) {
  NEED_CONTEXT;
  if (!emu::inBuffer(target, bytes)) return CUDA_ERROR_INVALID_VALUE;
  return enqueue(stream, [=] { memset(host(target), value, bytes); });
}

CUresult cuStreamCreate(CUstream* stream, unsigned) {
  NEED_CONTEXT;
  *stream = new CUstream_st;
  streams.push_back(*stream);
  return CUDA_SUCCESS;
}
CUresult cuStreamDestroy_v2(CUstream stream) {
  Lock lock(emu::device);
  for (size_t i = 0; i < streams.size(); i++)
    if (streams[i] == stream) {
      drain(stream);
      streams.erase(streams.begin() + static_cast<long>(i));
      delete stream;
      return CUDA_SUCCESS;
    }
  return CUDA_ERROR_INVALID_HANDLE;
}
CUresult cuStreamSynchronize(CUstream stream) {
  NEED_CONTEXT;
  if (stream) drain(stream);
  else drainAll();
  return sticky;
}

CUresult cuEventCreate(CUevent* event, unsigned) {
  NEED_CONTEXT;
  *event = new CUevent_st;
  return CUDA_SUCCESS;
}
CUresult cuEventDestroy_v2(CUevent event) {
  Lock lock(emu::device);
  waitFor(event);
  delete event;
  return sticky;
}
CUresult cuEventRecord(CUevent event, CUstream stream) {
  NEED_CONTEXT;
  uint64_t turn = ++event->wanted;
  event->stream = stream;
  return enqueue(stream, [=] {
    event->done = turn;
    event->atMs = nowMs();
  });
}
CUresult cuEventSynchronize(CUevent event) {
  NEED_CONTEXT;
  return waitFor(event);
}
CUresult cuEventElapsedTime(float* milliseconds, CUevent from, CUevent to) {
  NEED_CONTEXT;
  if (from->done < from->wanted || to->done < to->wanted) return CUDA_ERROR_NOT_READY;
  *milliseconds = static_cast<float>(to->atMs - from->atMs);
  return CUDA_SUCCESS;
}

CUresult cuModuleLoadData(CUmodule* module, const void* image) {
  NEED_CONTEXT;
  void* library;
  std::string part, entry;
  if (memcmp(image, kPartMagic, sizeof kPartMagic - 1) == 0) {
    std::istringstream lines(static_cast<const char*>(image) + sizeof kPartMagic - 1);
    std::string path;
    if (!std::getline(lines, path) || !std::getline(lines, part) || !std::getline(lines, entry)) return CUDA_ERROR_INVALID_IMAGE;
    library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) return CUDA_ERROR_INVALID_IMAGE;  // its folder was emptied: the kernel is compiled anew
  } else if (CUresult result = openImage(image, library)) {
    return result;
  }
  auto from = reinterpret_cast<char* (*)()>(dlsym(library, ("__emu_shared_from" + part).c_str()));
  auto to = reinterpret_cast<char* (*)()>(dlsym(library, ("__emu_shared_to" + part).c_str()));
  auto context = reinterpret_cast<EmuContext**>(dlsym(library, "__emu"));
  if (!from || !to || !context) return CUDA_ERROR_INVALID_IMAGE;
  *module = new CUmod_st{{library, context, from(), to(), entry, {}}};
  return CUDA_SUCCESS;
}
CUresult cuModuleUnload(CUmodule module) {
  Lock lock(emu::device);
  drainAll();
  for (auto& [name, function] : module->functions) delete function;
  dlclose(module->library);
  delete module;
  return CUDA_SUCCESS;
}
CUresult cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name) {
  NEED_CONTEXT;
  auto known = module->functions.find(name);
  if (known == module->functions.end()) {
    const std::string entry = module->entry.empty() ? name : module->entry;
    auto run = reinterpret_cast<void (*)(void**)>(dlsym(module->library, ("__emu_run_" + entry).c_str()));
    auto sizes = reinterpret_cast<int (*)(int*, int)>(dlsym(module->library, ("__emu_sizes_" + entry).c_str()));
    if (!run || !sizes) return CUDA_ERROR_NOT_FOUND;
    int found[256];
    int count = sizes(found, 256);
    auto* made = new CUfunc_st{module, name, run, std::vector<int>(found, found + count), 48 << 10};
    known = module->functions.emplace(name, made).first;
  }
  *function = known->second;
  return CUDA_SUCCESS;
}
CUresult cuFuncGetAttribute(int* value, int attribute, CUfunction function) {
  NEED_CONTEXT;
  auto* module = function->module;
  *value = attribute == CU_FUNCTION_SHARED_SIZE_BYTES ? static_cast<int>(module->sharedTo - module->sharedFrom)
           : attribute == CU_FUNCTION_NUM_REGS        ? 32
                                                      : 0;
  return CUDA_SUCCESS;
}
CUresult cuFuncSetAttribute(CUfunction function, int attribute, int value) {
  NEED_CONTEXT;
  if (attribute != CU_FUNCTION_MAX_DYNAMIC_SHARED_SIZE_BYTES || value > (emu::options.sm >= 90 ? 232448 : 166912))
    return CUDA_ERROR_INVALID_VALUE;
  function->mostDynamicShared = value;
  return CUDA_SUCCESS;
}
CUresult cuLaunchKernel(CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
                        unsigned blockY, unsigned blockZ, unsigned sharedBytes, CUstream stream, void** parameters,
                        void**) {
  if (emu::options.discard) return CUDA_SUCCESS;
  NEED_CONTEXT;
  if (!gridX || !gridY || !gridZ || gridX > 2147483647u || gridY > 65535 || gridZ > 65535) return CUDA_ERROR_INVALID_VALUE;
  if (!blockX || !blockY || !blockZ || blockX > 1024 || blockY > 1024 || blockZ > 64 || blockX * blockY * blockZ > 1024)
    return CUDA_ERROR_INVALID_VALUE;
  if (static_cast<int>(sharedBytes) > function->mostDynamicShared) return CUDA_ERROR_INVALID_VALUE;
  emu::Launch launch{function, {gridX, gridY, gridZ}, {blockX, blockY, blockZ}, sharedBytes, {}};
  for (size_t i = 0; i < function->sizes.size(); i++) {
    auto* from = static_cast<char*>(parameters[i]);
    launch.arguments.emplace_back(from, from + function->sizes[i]);
  }
  enqueue(stream, [launch = std::move(launch)] { emu::run(launch); });
  if (emu::options.blocking && stream) drain(stream);
  return sticky;
}

CUresult cuGetErrorName(CUresult result, const char** name) {
  switch (result) {
    case CUDA_ERROR_INVALID_VALUE: *name = "CUDA_ERROR_INVALID_VALUE"; break;
    case CUDA_ERROR_OUT_OF_MEMORY: *name = "CUDA_ERROR_OUT_OF_MEMORY"; break;
    case CUDA_ERROR_NO_DEVICE: *name = "CUDA_ERROR_NO_DEVICE"; break;
    case CUDA_ERROR_INVALID_DEVICE: *name = "CUDA_ERROR_INVALID_DEVICE"; break;
    case CUDA_ERROR_INVALID_IMAGE: *name = "CUDA_ERROR_INVALID_IMAGE"; break;
    case CUDA_ERROR_INVALID_CONTEXT: *name = "CUDA_ERROR_INVALID_CONTEXT"; break;
    case CUDA_ERROR_NO_BINARY_FOR_GPU: *name = "CUDA_ERROR_NO_BINARY_FOR_GPU"; break;
    case CUDA_ERROR_ILLEGAL_ADDRESS: *name = "CUDA_ERROR_ILLEGAL_ADDRESS"; break;
    case CUDA_ERROR_LAUNCH_FAILED: *name = "CUDA_ERROR_LAUNCH_FAILED"; break;
    default: *name = "CUDA_ERROR_UNKNOWN";
  }
  return CUDA_SUCCESS;
}
CUresult cuGetErrorString(CUresult result, const char** text) {
  Lock lock(emu::device);
  static thread_local std::string kept;
  kept = result != CUDA_SUCCESS && result == sticky ? emu::stickyText : "error " + std::to_string(result);
  *text = kept.c_str();
  return CUDA_SUCCESS;
}

// ---- cuBLAS: plain loops in the stream, accumulating as the compute type says

struct cublasContext {
  CUstream stream = nullptr;
};
cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  *handle = new cublasContext;
  return 0;
}
cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  delete handle;
  return 0;
}
cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, CUstream stream) {
  handle->stream = stream;
  return 0;
}
cublasStatus_t cublasGetVersion_v2(cublasHandle_t, int* version) {
  *version = 130000;
  return 0;
}
}
#pragma GCC visibility pop

namespace {
float fromHalf(uint16_t h) {
  _Float16 x;
  memcpy(&x, &h, 2);
  return static_cast<float>(x);
}
uint16_t toHalf(float f) {
  auto x = static_cast<_Float16>(f);
  uint16_t h;
  memcpy(&h, &x, 2);
  return h;
}
float fromBfloat(uint16_t b) {
  uint32_t bits = static_cast<uint32_t>(b) << 16;
  float f;
  memcpy(&f, &bits, 4);
  return f;
}
uint16_t toBfloat(float f) {
  uint32_t bits;
  memcpy(&bits, &f, 4);
  if (f != f) return static_cast<uint16_t>((bits >> 16 & 0x8000) | 0x7fc0);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

struct Product {
  int m, n, k, batch;
  const char *a, *b;
  char* c;
  bool turnA, turnB;
  long long leadingA, strideA, leadingB, strideB, leadingC, strideC;
};

template <class S, class A, A (*load)(S), S (*store)(A)>
void multiply(const Product& p) {
  auto a = reinterpret_cast<const S*>(p.a);
  auto b = reinterpret_cast<const S*>(p.b);
  auto c = reinterpret_cast<S*>(p.c);
  for (long long i = 0; i < p.batch; i++)
    for (long long col = 0; col < p.n; col++)
      for (long long row = 0; row < p.m; row++) {
        A sum = 0;
        for (long long x = 0; x < p.k; x++)
          sum += load(a[i * p.strideA + (p.turnA ? row * p.leadingA + x : x * p.leadingA + row)]) *
                 load(b[i * p.strideB + (p.turnB ? x * p.leadingB + col : col * p.leadingB + x)]);
        c[i * p.strideC + col * p.leadingC + row] = store(sum);
      }
}
template <class T>
T same(T x) {
  return x;
}
}  // namespace

extern "C" __attribute__((visibility("default"))) cublasStatus_t cublasGemmStridedBatchedEx(
    cublasHandle_t handle, int transposeA, int transposeB, int m, int n, int k, const void*, const void* a, int typeA,
    int leadingA, long long strideA, const void* b, int, int leadingB, long long strideB, const void*, void* c, int,
    int leadingC, long long strideC, int batch, int computeType, int) {
  if (emu::options.discard) return 0;
  Lock lock(emu::device);
  // As cuBLAS: 7 for a value out of range.
  if (leadingA < (transposeA ? k : m) || leadingB < (transposeB ? n : k) || leadingC < m) return 7;
  if ((typeA == CUBLAS_R_64F) != (computeType == CUBLAS_COMPUTE_64F)) return 15;
  Product product{m, n, k, batch, static_cast<const char*>(a), static_cast<const char*>(b), static_cast<char*>(c),
                  transposeA != 0, transposeB != 0, leadingA, strideA, leadingB, strideB, leadingC, strideC};
  enqueue(handle->stream, [product, typeA] {
    if (sticky) return;
    switch (typeA) {
      case CUBLAS_R_64F: return multiply<double, double, same<double>, same<double>>(product);
      case CUBLAS_R_16F: return multiply<uint16_t, float, fromHalf, toHalf>(product);
      case CUBLAS_R_16BF: return multiply<uint16_t, float, fromBfloat, toBfloat>(product);
      default: return multiply<float, float, same<float>, same<float>>(product);
    }
  });
  return 0;
}
