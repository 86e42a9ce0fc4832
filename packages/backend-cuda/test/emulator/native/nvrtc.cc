// NVRTC's entry points: the same source goes through the C++ compiler of the host, with the shim before it.
#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <regex>

#include "emulator.h"

extern char** environ;

struct _nvrtcProgram {
  std::string source, name, log, image;
};

namespace {
std::string folderOfThis() {
  Dl_info info;
  dladdr(reinterpret_cast<void*>(&folderOfThis), &info);
  std::string path = info.dli_fname;
  return path.substr(0, path.rfind('/'));
}

std::string slurp(const std::string& path) {
  std::string text;
  if (FILE* file = fopen(path.c_str(), "rb")) {
    char part[65536];
    while (size_t n = fread(part, 1, sizeof part, file)) text.append(part, n);
    fclose(file);
  }
  return text;
}

void spill(const std::string& path, const std::string& text) {
  if (FILE* file = fopen(path.c_str(), "wb")) {
    fwrite(text.data(), 1, text.size(), file);
    fclose(file);
  }
}

bool runCompiler(const std::vector<std::string>& arguments, const std::string& log) {
  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  pid_t child;
  int failed = posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed) {
    spill(log, std::string("cannot run ") + argv[0] + ": " + strerror(failed));
    return false;
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::vector<std::string> flags(bool check) {
  const char* compiler = getenv("CXX");
  std::vector<std::string> all = {compiler && *compiler ? compiler : "g++", "-std=c++17", "-fPIC", "-fno-exceptions", "-fno-rtti",
                                  "-ffp-contract=off", "-fno-strict-aliasing", "-fwrapv", "-fno-asynchronous-unwind-tables", "-w", "-pipe", "-O1"};
  if (check)
    all.insert(all.end(), {"-fsanitize=thread,bounds,alignment,shift,integer-divide-by-zero", "--param",
                           "tsan-instrument-func-entry-exit=0", "--param", "tsan-distinguish-volatile=1"});
  else all.insert(all.end(), {"-fno-math-errno", "-march=native"});
  return all;
}

/** Dynamic shared memory becomes a pointer, and every entry gets a way in by its name. */
std::string translate(const std::string& source, const std::string& name, bool check) {
  static const std::regex dynamicShared(
      R"(extern\s+__shared__\s+((?:__align__\s*\(\s*\d+\s*\)\s*)?)([A-Za-z_][\w ]*?)\s*(\w+)\s*\[\s*\]\s*;)");
  static const std::regex entry(
      R"(__global__\s+(?:void\s+)?(?:__launch_bounds__\s*\([^)]*\)\s*)?(?:void\s+)?(?:__launch_bounds__\s*\([^)]*\)\s*)?(\w+)\s*\()");
  std::string body = source.find("extern __shared__") == std::string::npos
                         ? source
                         : std::regex_replace(source, dynamicShared, "$2* $3 = ($2*)__emu->dynamicShared;");
  std::string tail = "\n#line 1 \"emulator\"\n";
  for (std::sregex_iterator i(body.begin(), body.end(), entry), end; i != end; ++i)
    tail += "EMU_KERNEL(" + (*i)[1].str() + ")\n";
  tail += "extern \"C\" { EmuContext* __emu; }\nEMU_SHARED()\n";
  if (check) tail += "#include \"hooks.h\"\n";
  return "#line 1 \"" + name + "\"\n" + body + tail;
}
}  // namespace

#pragma GCC visibility push(default)
extern "C" {

nvrtcResult nvrtcVersion(int* major, int* minor) {
  const char* given = getenv("FLAMBEAU_EMULATOR_NVRTC");
  *major = given ? atoi(given) : 13;
  *minor = 0;
  return 0;
}
nvrtcResult nvrtcGetNumSupportedArchs(int* count) {
  *count = 3;
  return 0;
}
nvrtcResult nvrtcGetSupportedArchs(int* archs) {
  archs[0] = 75;
  archs[1] = 80;
  archs[2] = 90;
  return 0;
}
nvrtcResult nvrtcCreateProgram(nvrtcProgram* program, const char* source, const char* name, int, const char* const*,
                               const char* const*) {
  *program = new _nvrtcProgram{source, name ? name : "kernel.cu", "", ""};
  return 0;
}
nvrtcResult nvrtcDestroyProgram(nvrtcProgram* program) {
  delete *program;
  *program = nullptr;
  return 0;
}
nvrtcResult nvrtcCompileProgram(nvrtcProgram program, int count, const char* const* given) {
  const bool check = emu::options.check;
  const std::string include = folderOfThis();
  std::string work = std::string(getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp") + "/emulated-cuda-XXXXXX";
  if (!mkdtemp(&work[0])) return 11;
  spill(work + "/kernel.cc", translate(program->source, program->name, check));
  auto command = flags(check);
  // Symbolic, so that a kernel named as a function of libc is itself.
  command.insert(command.end(), {"-shared", "-nostdlib", "-fno-use-linker-plugin", "-Wl,--build-id=none", "-Wl,-Bsymbolic", "-include", include + "/shim.h", "-I" + include});
  for (int i = 0; i < count; i++) {
    std::string option = given[i];
    if (option.rfind("-D", 0) == 0) command.push_back(option);
    auto arch = option.find("sm_");
    if (arch != std::string::npos) command.push_back("-D__CUDA_ARCH__=" + option.substr(arch + 3) + "0");
  }
  command.insert(command.end(), {work + "/kernel.cc", "-o", work + "/kernel.so"});
  bool compiled = runCompiler(command, work + "/log");
  program->log = slurp(work + "/log");
  program->image = compiled ? slurp(work + "/kernel.so") : "";
  for (const char* name : {"/kernel.cc", "/kernel.so", "/log"}) unlink((work + name).c_str());
  rmdir(work.c_str());
  return compiled ? 0 : 6;
}
nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram program, size_t* bytes) {
  *bytes = program->log.size() + 1;
  return 0;
}
nvrtcResult nvrtcGetProgramLog(nvrtcProgram program, char* log) {
  memcpy(log, program->log.c_str(), program->log.size() + 1);
  return 0;
}
nvrtcResult nvrtcGetCUBINSize(nvrtcProgram program, size_t* bytes) {
  *bytes = program->image.size();
  return 0;
}
nvrtcResult nvrtcGetCUBIN(nvrtcProgram program, char* image) {
  memcpy(image, program->image.data(), program->image.size());
  return 0;
}
nvrtcResult nvrtcGetPTXSize(nvrtcProgram program, size_t* bytes) { return nvrtcGetCUBINSize(program, bytes); }
nvrtcResult nvrtcGetPTX(nvrtcProgram program, char* image) { return nvrtcGetCUBIN(program, image); }
}
#pragma GCC visibility pop
