#include "platform.h"

extern "C" {
struct uv_lib_t {
  void* handle;
  char* errmsg;
};
int uv_dlopen(const char* path, uv_lib_t* library);
int uv_dlsym(uv_lib_t* library, const char* name, void** address);
const char* uv_dlerror(const uv_lib_t* library);
void uv_dlclose(uv_lib_t* library);
}

namespace flambeau {

void* openLibrary(const std::string& path, std::string& error) {
  auto* library = new uv_lib_t{};
  if (uv_dlopen(path.c_str(), library) == 0) return library;
  error = uv_dlerror(library);
  uv_dlclose(library);  // frees the message
  delete library;
  return nullptr;
}

void* findSymbol(void* library, const char* name) {
  void* address = nullptr;
  return uv_dlsym(static_cast<uv_lib_t*>(library), name, &address) == 0 ? address : nullptr;
}

}  // namespace flambeau
