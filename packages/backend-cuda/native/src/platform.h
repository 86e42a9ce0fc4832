// All that differs between operating systems: libraries opened at run time, by way of libuv, which Node exports on
// each of them. (Windows wants a delay-load hook besides, so that `node.exe` may have another name; it belongs here.)
#pragma once
#include <string>

namespace flambeau {

/** Opens a library that stays open; null with the reason in `error`. */
void* openLibrary(const std::string& path, std::string& error);
/** The address of what a library exports, or null. */
void* findSymbol(void* library, const char* name);

}  // namespace flambeau
