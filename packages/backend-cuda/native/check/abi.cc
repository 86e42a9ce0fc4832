// Compares the declarations of native/src/driver.h with the vendor's headers: nvcc -c native/check/abi.cc. A function
// agrees where every parameter and the result are passed alike: enums as integers, pointers to things of the same
// kind. Headers that are not there are named and left out.
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <cuda.h>
#if __has_include(<nvrtc.h>)
#include <nvrtc.h>
#else
#pragma message("NOT COMPARED: nvrtc.h is not installed")
#endif
#if __has_include(<cublas_v2.h>)
#include <cublas_v2.h>
#else
#pragma message("NOT COMPARED: cublas_v2.h is not installed")
#endif

namespace ours {
#include "../src/driver.h"
#ifdef FLAMBEAU_PLANTED_FAULT
#undef FLAMBEAU_DRIVER_API
#define FLAMBEAU_DRIVER_API(X) X(cuMemAlloc_v2, (CUdeviceptr * address, int bytes))
#endif
}  // namespace ours

namespace {
template <class T>
constexpr bool isNumber = std::is_integral_v<T> || std::is_enum_v<T>;

template <class A, class B>
constexpr bool alike() {
  if constexpr (std::is_pointer_v<A> && std::is_pointer_v<B>) {
    using To = std::remove_cv_t<std::remove_pointer_t<A>>;
    using Other = std::remove_cv_t<std::remove_pointer_t<B>>;
    if constexpr (std::is_void_v<To> || std::is_void_v<Other>) return std::is_void_v<To> == std::is_void_v<Other>;
    else if constexpr (std::is_class_v<To> || std::is_class_v<Other>) return std::is_class_v<To> && std::is_class_v<Other>;
    else return alike<To, Other>();
  } else if constexpr (isNumber<A> && isNumber<B>) {
    return sizeof(A) == sizeof(B);
  } else {
    return std::is_same_v<A, B>;
  }
}

template <class A, class B>
struct Compared;
template <class R, class... P, class S, class... Q>
struct Compared<R (*)(P...), S (*)(Q...)> {
  static constexpr bool agrees() {
    if constexpr (sizeof...(P) != sizeof...(Q)) return false;
    else return alike<R, S>() && (alike<P, Q>() && ...);
  }
};
}  // namespace

namespace ours {
#define COMPARE(name, parameters) \
  static_assert(Compared<int(*) parameters, decltype(&::name)>::agrees(), #name " is declared otherwise in the vendor's header");
FLAMBEAU_DRIVER_API(COMPARE)
#if __has_include(<nvrtc.h>)
FLAMBEAU_NVRTC_API(COMPARE)
#endif
#if __has_include(<cublas_v2.h>)
FLAMBEAU_BLAS_API(COMPARE)
#endif
}  // namespace ours

#define SAME(own, theirs) static_assert(int(ours::own) == int(::theirs), #own " has another value in the vendor's header")
SAME(CUDA_SUCCESS, CUDA_SUCCESS);
SAME(CUDA_ERROR_INVALID_VALUE, CUDA_ERROR_INVALID_VALUE);
SAME(CUDA_ERROR_OUT_OF_MEMORY, CUDA_ERROR_OUT_OF_MEMORY);
SAME(CUDA_ERROR_NOT_INITIALIZED, CUDA_ERROR_NOT_INITIALIZED);
SAME(CUDA_ERROR_NO_DEVICE, CUDA_ERROR_NO_DEVICE);
SAME(CUDA_ERROR_INVALID_DEVICE, CUDA_ERROR_INVALID_DEVICE);
SAME(CUDA_ERROR_INVALID_IMAGE, CUDA_ERROR_INVALID_IMAGE);
SAME(CUDA_ERROR_INVALID_CONTEXT, CUDA_ERROR_INVALID_CONTEXT);
SAME(CUDA_ERROR_NO_BINARY_FOR_GPU, CUDA_ERROR_NO_BINARY_FOR_GPU);
SAME(CUDA_ERROR_INVALID_HANDLE, CUDA_ERROR_INVALID_HANDLE);
SAME(CUDA_ERROR_NOT_FOUND, CUDA_ERROR_NOT_FOUND);
SAME(CUDA_ERROR_NOT_READY, CUDA_ERROR_NOT_READY);
SAME(CUDA_ERROR_ILLEGAL_ADDRESS, CUDA_ERROR_ILLEGAL_ADDRESS);
SAME(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES);
SAME(CUDA_ERROR_LAUNCH_FAILED, CUDA_ERROR_LAUNCH_FAILED);
SAME(CUDA_ERROR_UNKNOWN, CUDA_ERROR_UNKNOWN);
SAME(CU_ATTRIBUTE_MULTIPROCESSOR_COUNT, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
SAME(CU_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
SAME(CU_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
SAME(CU_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
SAME(CU_FUNCTION_SHARED_SIZE_BYTES, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES);
SAME(CU_FUNCTION_LOCAL_SIZE_BYTES, CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES);
SAME(CU_FUNCTION_NUM_REGS, CU_FUNC_ATTRIBUTE_NUM_REGS);
SAME(CU_FUNCTION_MAX_DYNAMIC_SHARED_SIZE_BYTES, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
SAME(CU_STREAM_NON_BLOCKING, CU_STREAM_NON_BLOCKING);
SAME(CU_EVENT_DEFAULT, CU_EVENT_DEFAULT);
SAME(CU_EVENT_DISABLE_TIMING, CU_EVENT_DISABLE_TIMING);
#if __has_include(<cublas_v2.h>)
SAME(CUBLAS_R_32F, CUDA_R_32F);
SAME(CUBLAS_R_64F, CUDA_R_64F);
SAME(CUBLAS_R_16F, CUDA_R_16F);
SAME(CUBLAS_R_16BF, CUDA_R_16BF);
SAME(CUBLAS_COMPUTE_32F, CUBLAS_COMPUTE_32F);
SAME(CUBLAS_COMPUTE_32F_FAST_TF32, CUBLAS_COMPUTE_32F_FAST_TF32);
SAME(CUBLAS_COMPUTE_64F, CUBLAS_COMPUTE_64F);
SAME(CUBLAS_GEMM_DEFAULT, CUBLAS_GEMM_DEFAULT);
#endif
