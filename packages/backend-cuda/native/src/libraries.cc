#include "libraries.h"

#include <mutex>

#include "platform.h"

namespace flambeau {

Driver driver;
Nvrtc nvrtc;
Blas blas;

namespace {
std::mutex opening;

void* openFirst(const std::vector<std::string>& candidates, std::string& path, std::string& reasons) {
  for (const auto& candidate : candidates) {
    std::string error;
    if (void* library = openLibrary(candidate, error)) {
      path = candidate;
      return library;
    }
    reasons += (reasons.empty() ? "" : "; ") + error;
  }
  return nullptr;
}

template <class F>
void bind(void* library, F& function, const char* name, const char* kind) {
  function = reinterpret_cast<F>(findSymbol(library, name));
  if (function == nullptr) throw Failure{kind, 0, name};
}

// NVRTC finds its builtins by their bare name, so where it was opened by path they are opened by path before it.
void openBuiltins(const std::string& path) {
  auto slash = path.find_last_of("/\\");
  if (slash == std::string::npos) return;
  std::string folder = path.substr(0, slash + 1), ignored;
  for (int major = 13; major >= 11; major--)
    for (int minor = 9; minor >= 0; minor--) {
      auto name = "libnvrtc-builtins.so." + std::to_string(major) + "." + std::to_string(minor);
      if (openLibrary(folder + name, ignored)) return;
    }
}

Nvrtc bindNvrtc(void* library, const std::string& path) {
  Nvrtc table;
  table.path = path;
#define FLAMBEAU_BIND(name, parameters) bind(library, table.name, #name, "nvrtc-old");
  FLAMBEAU_NVRTC_API(FLAMBEAU_BIND)
#undef FLAMBEAU_BIND
  if (int result = table.nvrtcVersion(&table.major, &table.minor)) throw Failure{"nvrtc-broken", result, path};
  return table;
}
}  // namespace

std::string describe(CUresult result) {
  const char *name = nullptr, *text = nullptr;
  if (driver.cuGetErrorName) driver.cuGetErrorName(result, &name);
  if (driver.cuGetErrorString) driver.cuGetErrorString(result, &text);
  std::string shown = name ? name : "CUDA error " + std::to_string(result);
  return text ? shown + ", " + text : shown;
}

void check(const char* call, CUresult result) {
  if (result != CUDA_SUCCESS) throw Failure{"driver", result, std::string(call) + ": " + describe(result)};
}

void openDriver(const std::vector<std::string>& candidates) {
  std::lock_guard<std::mutex> lock(opening);
  if (!driver.path.empty()) return;
  std::string path, reasons;
  void* library = openFirst(candidates, path, reasons);
  if (!library) throw Failure{"no-driver", 0, reasons};
  Driver table;
#define FLAMBEAU_BIND(name, parameters) bind(library, table.name, #name, "driver-old");
  FLAMBEAU_DRIVER_API(FLAMBEAU_BIND)
#undef FLAMBEAU_BIND
  if (int result = table.cuInit(0)) {
    const char *name = nullptr, *text = nullptr;
    table.cuGetErrorName(result, &name);
    table.cuGetErrorString(result, &text);
    throw Failure{result == CUDA_ERROR_NO_DEVICE ? "no-device" : "driver-broken", result,
                  std::string(name ? name : "") + (text ? std::string(", ") + text : "")};
  }
  if (int result = table.cuDriverGetVersion(&table.version)) throw Failure{"driver-broken", result, path};
  table.path = path;
  driver = table;
}

void openNvrtc(const std::vector<std::string>& candidates, int newestMajor) {
  std::lock_guard<std::mutex> lock(opening);
  if (!nvrtc.path.empty()) return;
  std::string reasons, tooNew;
  for (const auto& candidate : candidates) {
    std::string error;
    openBuiltins(candidate);
    void* library = openLibrary(candidate, error);
    if (!library) {
      reasons += (reasons.empty() ? "" : "; ") + error;
      continue;
    }
    Nvrtc table = bindNvrtc(library, candidate);
    if (table.major <= newestMajor) {
      nvrtc = table;
      return;
    }
    tooNew = std::to_string(table.major) + "." + std::to_string(table.minor);
  }
  if (!tooNew.empty()) throw Failure{"driver-older-than-nvrtc", 0, tooNew};
  throw Failure{"no-nvrtc", 0, reasons};
}

void openBlas(const std::vector<std::string>& candidates) {
  std::lock_guard<std::mutex> lock(opening);
  if (!blas.path.empty()) return;
  std::string path, reasons;
  void* library = openFirst(candidates, path, reasons);
  if (!library) throw Failure{"no-blas", 0, reasons};
  Blas table;
#define FLAMBEAU_BIND(name, parameters) bind(library, table.name, #name, "no-blas");
  FLAMBEAU_BLAS_API(FLAMBEAU_BIND)
#undef FLAMBEAU_BIND
  table.path = path;
  blas = table;
}

Compilation compile(const std::string& source, const std::string& name, const std::vector<std::string>& options,
                    bool cubin) {
  std::vector<const char*> texts;
  for (const auto& option : options) texts.push_back(option.c_str());
  nvrtcProgram program = nullptr;
  if (int result = nvrtc.nvrtcCreateProgram(&program, source.c_str(), name.c_str(), 0, nullptr, nullptr))
    throw Failure{"nvrtc-broken", result, "nvrtcCreateProgram"};
  int result = nvrtc.nvrtcCompileProgram(program, static_cast<int>(texts.size()), texts.data());
  Compilation made{result == 0, "", ""};
  size_t bytes = 0;
  if (nvrtc.nvrtcGetProgramLogSize(program, &bytes) == 0 && bytes > 1) {
    made.log.resize(bytes);
    nvrtc.nvrtcGetProgramLog(program, &made.log[0]);
    made.log.resize(bytes - 1);
  }
  if (made.compiled) {
    result = cubin ? nvrtc.nvrtcGetCUBINSize(program, &bytes) : nvrtc.nvrtcGetPTXSize(program, &bytes);
    made.image.resize(bytes);
    if (result == 0)
      result = cubin ? nvrtc.nvrtcGetCUBIN(program, &made.image[0]) : nvrtc.nvrtcGetPTX(program, &made.image[0]);
  }
  nvrtc.nvrtcDestroyProgram(&program);
  if (made.compiled && result != 0) throw Failure{"nvrtc-broken", result, "nvrtcGetCUBIN"};
  if (!made.compiled && made.log.empty()) made.log = "NVRTC result " + std::to_string(result);
  return made;
}

std::vector<int> supportedArchs() {
  int count = 0;
  if (int result = nvrtc.nvrtcGetNumSupportedArchs(&count)) throw Failure{"nvrtc-broken", result, "archs"};
  std::vector<int> archs(static_cast<size_t>(count));
  if (int result = nvrtc.nvrtcGetSupportedArchs(archs.data())) throw Failure{"nvrtc-broken", result, "archs"};
  return archs;
}

}  // namespace flambeau
