// Declarations of the entry points of the CUDA driver, NVRTC and cuBLAS that the backend calls. Nothing of CUDA is
// needed to build; native/check/abi.cc compares them with the vendor's headers where those are.
#pragma once
#include <cstddef>
#include <cstdint>

typedef int CUresult;
typedef int CUdevice;
typedef unsigned long long CUdeviceptr;
typedef struct CUctx_st* CUcontext;
typedef struct CUmod_st* CUmodule;
typedef struct CUfunc_st* CUfunction;
typedef struct CUstream_st* CUstream;
typedef struct CUevent_st* CUevent;
typedef struct _nvrtcProgram* nvrtcProgram;
typedef int nvrtcResult;
typedef struct cublasContext* cublasHandle_t;
typedef int cublasStatus_t;

enum : int {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_INVALID_VALUE = 1,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_NOT_INITIALIZED = 3,
  CUDA_ERROR_NO_DEVICE = 100,
  CUDA_ERROR_INVALID_DEVICE = 101,
  CUDA_ERROR_INVALID_IMAGE = 200,
  CUDA_ERROR_INVALID_CONTEXT = 201,
  CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
  CUDA_ERROR_INVALID_HANDLE = 400,
  CUDA_ERROR_NOT_FOUND = 500,
  CUDA_ERROR_NOT_READY = 600,
  CUDA_ERROR_ILLEGAL_ADDRESS = 700,
  CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES = 701,
  CUDA_ERROR_LAUNCH_FAILED = 719,
  CUDA_ERROR_UNKNOWN = 999,
};

enum : int {
  CU_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16,
  CU_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
  CU_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
  CU_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97,
  CU_FUNCTION_SHARED_SIZE_BYTES = 1,
  CU_FUNCTION_LOCAL_SIZE_BYTES = 3,
  CU_FUNCTION_NUM_REGS = 4,
  CU_FUNCTION_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8,
  CU_STREAM_NON_BLOCKING = 1,
  CU_EVENT_DEFAULT = 0,
  CU_EVENT_DISABLE_TIMING = 2,
};

// X(name, parameters): one list makes the tables of the addon, the exports of the emulator and the check.
#define FLAMBEAU_DRIVER_API(X) \
  X(cuInit, (unsigned flags)) \
  X(cuDriverGetVersion, (int* version)) \
  X(cuDeviceGetCount, (int* count)) \
  X(cuDeviceGet, (CUdevice * device, int ordinal)) \
  X(cuDeviceGetName, (char* name, int length, CUdevice device)) \
  X(cuDeviceGetAttribute, (int* value, int attribute, CUdevice device)) \
  X(cuDeviceTotalMem_v2, (size_t * bytes, CUdevice device)) \
  X(cuDevicePrimaryCtxRetain, (CUcontext * context, CUdevice device)) \
  X(cuDevicePrimaryCtxRelease_v2, (CUdevice device)) \
  X(cuCtxSetCurrent, (CUcontext context)) \
  X(cuMemGetInfo_v2, (size_t * free, size_t* total)) \
  X(cuMemAlloc_v2, (CUdeviceptr * address, size_t bytes)) \
  X(cuMemFree_v2, (CUdeviceptr address)) \
  X(cuMemHostAlloc, (void** address, size_t bytes, unsigned flags)) \
  X(cuMemFreeHost, (void* address)) \
  X(cuMemcpyHtoDAsync_v2, (CUdeviceptr target, const void* source, size_t bytes, CUstream stream)) \
  X(cuMemcpyDtoHAsync_v2, (void* target, CUdeviceptr source, size_t bytes, CUstream stream)) \
  X(cuMemcpyDtoDAsync_v2, (CUdeviceptr target, CUdeviceptr source, size_t bytes, CUstream stream)) \
  X(cuMemsetD8Async, (CUdeviceptr target, unsigned char value, size_t bytes, CUstream stream)) \
  X(cuStreamCreate, (CUstream * stream, unsigned flags)) \
  X(cuStreamDestroy_v2, (CUstream stream)) \
  X(cuStreamSynchronize, (CUstream stream)) \
  X(cuEventCreate, (CUevent * event, unsigned flags)) \
  X(cuEventDestroy_v2, (CUevent event)) \
  X(cuEventRecord, (CUevent event, CUstream stream)) \
  X(cuEventSynchronize, (CUevent event)) \
  X(cuEventElapsedTime, (float* milliseconds, CUevent from, CUevent to)) \
  X(cuModuleLoadData, (CUmodule * module, const void* image)) \
  X(cuModuleUnload, (CUmodule module)) \
  X(cuModuleGetFunction, (CUfunction * function, CUmodule module, const char* name)) \
  X(cuFuncGetAttribute, (int* value, int attribute, CUfunction function)) \
  X(cuFuncSetAttribute, (CUfunction function, int attribute, int value)) \
  X(cuLaunchKernel, \
    (CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY, \
     unsigned blockZ, unsigned sharedBytes, CUstream stream, void** parameters, void** extra)) \
  X(cuGetErrorName, (CUresult result, const char** text)) \
  X(cuGetErrorString, (CUresult result, const char** text))

#define FLAMBEAU_NVRTC_API(X) \
  X(nvrtcVersion, (int* major, int* minor)) \
  X(nvrtcGetNumSupportedArchs, (int* count)) \
  X(nvrtcGetSupportedArchs, (int* archs)) \
  X(nvrtcCreateProgram, \
    (nvrtcProgram * program, const char* source, const char* name, int headerCount, const char* const* headers, \
     const char* const* includeNames)) \
  X(nvrtcDestroyProgram, (nvrtcProgram * program)) \
  X(nvrtcCompileProgram, (nvrtcProgram program, int optionCount, const char* const* options)) \
  X(nvrtcGetProgramLogSize, (nvrtcProgram program, size_t* bytes)) \
  X(nvrtcGetProgramLog, (nvrtcProgram program, char* log)) \
  X(nvrtcGetCUBINSize, (nvrtcProgram program, size_t* bytes)) \
  X(nvrtcGetCUBIN, (nvrtcProgram program, char* image)) \
  X(nvrtcGetPTXSize, (nvrtcProgram program, size_t* bytes)) \
  X(nvrtcGetPTX, (nvrtcProgram program, char* image))

#define FLAMBEAU_BLAS_API(X) \
  X(cublasCreate_v2, (cublasHandle_t * handle)) \
  X(cublasDestroy_v2, (cublasHandle_t handle)) \
  X(cublasSetStream_v2, (cublasHandle_t handle, CUstream stream)) \
  X(cublasGetVersion_v2, (cublasHandle_t handle, int* version)) \
  X(cublasGemmStridedBatchedEx, \
    (cublasHandle_t handle, int transposeA, int transposeB, int m, int n, int k, const void* alpha, const void* a, \
     int typeA, int leadingA, long long strideA, const void* b, int typeB, int leadingB, long long strideB, \
     const void* beta, void* c, int typeC, int leadingC, long long strideC, int batch, int computeType, int algorithm))

enum : int {
  CUBLAS_R_32F = 0,
  CUBLAS_R_64F = 1,
  CUBLAS_R_16F = 2,
  CUBLAS_R_16BF = 14,
  CUBLAS_COMPUTE_32F = 68,
  CUBLAS_COMPUTE_32F_FAST_TF32 = 77,
  CUBLAS_COMPUTE_64F = 70,
  CUBLAS_GEMM_DEFAULT = -1,
};
