// The tables of functions of the three libraries. They are opened once for the process, whichever thread asks first.
#pragma once
#include <string>
#include <vector>

#include "driver.h"

namespace flambeau {

/** What went wrong, for the layer above to say in words. `kind` is one of those in src/native/failures.ts. */
struct Failure {
  std::string kind;
  int result;
  std::string detail;
};

#define FLAMBEAU_MEMBER(name, parameters) int(*name) parameters = nullptr;
struct Driver {
  FLAMBEAU_DRIVER_API(FLAMBEAU_MEMBER)
  std::string path;
  int version = 0;
};
struct Nvrtc {
  FLAMBEAU_NVRTC_API(FLAMBEAU_MEMBER)
  std::string path;
  int major = 0, minor = 0;
};
struct Blas {
  FLAMBEAU_BLAS_API(FLAMBEAU_MEMBER)
  std::string path;
};
#undef FLAMBEAU_MEMBER

extern Driver driver;
extern Nvrtc nvrtc;
extern Blas blas;

/** Each opens the first of the candidates that there is; once open, the candidates no longer matter. @throws Failure */
void openDriver(const std::vector<std::string>& candidates);
/** `newestMajor` is the newest major version that the driver runs. */
void openNvrtc(const std::vector<std::string>& candidates, int newestMajor);
void openBlas(const std::vector<std::string>& candidates);

/** @throws Failure of kind `driver` if the result is no success. */
void check(const char* call, CUresult result);
std::string describe(CUresult result);

struct Compilation {
  bool compiled;
  std::string image;
  std::string log;
};
/** Compiles CUDA C: to machine code where `cubin`, else to PTX. It waits for no device and may run in any thread. */
Compilation compile(const std::string& source, const std::string& name, const std::vector<std::string>& options,
                    bool cubin);
std::vector<int> supportedArchs();

}  // namespace flambeau
