// Blocks one after the other; the threads of a block are fibers that switch where they wait for one another.
#include <sys/mman.h>

#include <algorithm>
#include <csetjmp>
#include <csignal>
#include <cstring>
#include <random>

#include "emulator.h"

extern "C" void emuSwitch(void** save, void* to);
asm(R"(.text
.globl emuSwitch
.hidden emuSwitch
emuSwitch: push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15
 mov %rsp,(%rdi); mov %rsi,%rsp
 pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp; pop %rcx; jmp *%rcx)");

namespace emu {

EmuContext context;
CUresult sticky;
std::string stickyText;
BlockState state;
char *stackFrom, *stackTo;

namespace {
// The odd part staggers the tops of stacks over the sets of the cache.
constexpr size_t kStackBytes = (size_t{64} << 10) + 576;
constexpr int kMostThreads = 1024, kMostFibers = kMostThreads + 1;
constexpr size_t kDynamicShared = size_t{1} << 18;

struct Fiber {
  void* top;
  char* stack;
  int thread;
};
/** Lanes of a warp that meet at one operation. */
struct Group {
  unsigned mask, arrived;
  int line, readers;
  bool open;
  uint64_t values[32];
};

Fiber fibers[kMostFibers];
int fibersMade;
std::vector<int> idle, ready, atBarrier;
Fiber* running;
void* launcher;
char* stacks;
int fiberOf[kMostThreads];
Group groups[32][33];
int barrierLine, barrierCount, barrierResult;
std::mt19937 random_;
void (*kernelRun)(void**);
void** kernelArguments;
CUresult failure;
std::string failureText;
sigjmp_buf escape;
thread_local bool inKernel;

void switchTo(void* top, void** save) { emuSwitch(save, top); }

void enter(int f) {
  running = &fibers[f];
  context.current = running->thread;
  context.thread = context.places[context.current];
  stackFrom = running->stack;
  stackTo = running->stack + kStackBytes;
}

void fiberMain();

int freshFiber() {
  int f;
  if (!idle.empty()) {
    f = idle.back();
    idle.pop_back();
  } else {
    f = fibersMade++;
    if (!stacks)
      stacks = static_cast<char*>(mmap(nullptr, kStackBytes * kMostFibers, PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    fibers[f].stack = stacks + static_cast<size_t>(f) * kStackBytes;
  }
  void** top = reinterpret_cast<void**>(fibers[f].stack + kStackBytes - 64);
  *--top = nullptr;
  *--top = reinterpret_cast<void*>(fiberMain);
  for (int i = 0; i < 6; i++) *--top = nullptr;
  fibers[f].top = top;
  return f;
}

/** Goes on with a thread that may, else with one that has not started, else back to the launcher. */
void yield(void** save) {
  const bool unstarted = context.cursor < context.count;
  const bool preferReady = !unstarted || options.order == 1 || (options.order == 2 && (random_() & 1));
  if (!ready.empty() && preferReady) {
    size_t i = options.order == 2 ? random_() % ready.size() : ready.size() - 1;
    int f = ready[i];
    ready[i] = ready.back();
    ready.pop_back();
    enter(f);
    switchTo(running->top, save);
  } else if (unstarted) {
    running = &fibers[freshFiber()];
    stackFrom = running->stack;
    stackTo = running->stack + kStackBytes;
    switchTo(running->top, save);
  } else {
    running = nullptr;
    switchTo(launcher, save);
  }
}

void fiberMain() {
  kernelRun(kernelArguments);
  idle.push_back(static_cast<int>(running - fibers));
  void* gone;
  yield(&gone);
  __builtin_unreachable();
}

int rememberRunning() {
  int f = static_cast<int>(running - fibers);
  running->thread = context.current;
  fiberOf[context.current] = f;
  return f;
}

void releaseBarrier() {
  ready.insert(ready.end(), atBarrier.begin(), atBarrier.end());
  atBarrier.clear();
  context.arrived = 0;
  barrierResult = barrierCount;
  state.epoch++;
}

void barrier(int line, int kind, int predicate, int* out) {
  if (context.arrived == 0) {
    barrierLine = line;
    barrierCount = 0;
  } else if (line != barrierLine) {
    fault("divergent __syncthreads: lines " + std::to_string(barrierLine) + " and " + std::to_string(line));
  }
  barrierCount += kind == 1 ? predicate : 0;
  int f = rememberRunning();
  if (++context.arrived == context.live) {
    releaseBarrier();  // the last one goes straight on
  } else {
    atBarrier.push_back(f);
    yield(&fibers[f].top);
  }
  if (out) *out = barrierResult;
}

void closeGroup(int warp, Group& group) {
  group.open = false;
  context.openGroups--;
  group.readers = __builtin_popcount(group.arrived);
  state.warpEpoch[warp]++;
  for (int lane = 0; lane < 32; lane++)
    if ((group.arrived >> lane) & 1) ready.push_back(fiberOf[warp * 32 + lane]);
}

bool isComplete(int warp, const Group& group) {
  return (group.mask & context.liveLanes[warp] & ~group.arrived) == 0;
}

/** A thread has ended: it no longer counts at barriers, nor in its warp. */
void exited() {
  if (context.arrived && context.arrived == context.live) releaseBarrier();
  int warp = context.current >> 5;
  if (context.openGroups)
    for (auto& group : groups[warp])
      if (group.open && isComplete(warp, group)) closeGroup(warp, group);
}

Group& groupFor(int warp, unsigned mask, int line) {
  for (auto& group : groups[warp])
    if (group.open && group.mask == mask) return group;
  for (auto& group : groups[warp])
    if (!group.open && group.readers == 0) {
      group.mask = mask;
      group.arrived = 0;
      group.line = line;
      group.open = true;
      context.openGroups++;
      return group;
    }
  fault("too many warp operations at once");
}

uint64_t warpOperation(unsigned mask, uint64_t value, int source, int line) {
  int thread = context.current, warp = thread >> 5, lane = thread & 31;
  int f = rememberRunning();
  if (!((mask >> lane) & 1)) fault("warp operation by a lane that its mask does not name");
  Group& group = groupFor(warp, mask, line);
  if (group.line != line)
    fault("warp operation: lanes of one mask at lines " + std::to_string(group.line) + " and " + std::to_string(line));
  group.arrived |= 1u << lane;
  group.values[lane] = value;
  if (isComplete(warp, group)) {
    closeGroup(warp, group);
    auto self = std::find(ready.begin(), ready.end(), f);
    *self = ready.back();
    ready.pop_back();
  } else {
    yield(&fibers[f].top);
  }
  uint64_t result = 0;
  if (source == -1) {
    for (int i = 0; i < 32; i++)
      if (((group.arrived >> i) & 1) && group.values[i]) result |= uint64_t{1} << i;
  } else if (source >= 0) {
    if (!((group.arrived >> source) & 1))
      fault("shuffle reads lane " + std::to_string(source) + ", which takes no part (undefined on a GPU)", "kernel", line);
    result = group.values[source];
  }
  group.readers--;
  return result;
}

void faultOf(const char* message, const char* file, int line) { fault(message, file, line); }
void unchecked(const void*, int, int) {}

std::string where() {
  auto place = [](const EmuUint3& p) {
    return "(" + std::to_string(p.x) + "," + std::to_string(p.y) + "," + std::to_string(p.z) + ")";
  };
  return " at block " + place(context.block) + " thread " + place(context.thread);
}

struct sigaction oldSegmentation, oldArithmetic;
void onSignal(int signal, siginfo_t* info, void* more) {
  if (inKernel) siglongjmp(escape, signal);
  // Another thread's affair: V8 has handlers of its own.
  const struct sigaction& old = signal == SIGSEGV ? oldSegmentation : oldArithmetic;
  if (old.sa_flags & SA_SIGINFO) old.sa_sigaction(signal, info, more);
  else if (old.sa_handler != SIG_DFL && old.sa_handler != SIG_IGN) old.sa_handler(signal);
  else {
    ::signal(signal, SIG_DFL);
    raise(signal);
  }
}

/** Catches illegal addresses and divisions by zero while a kernel runs. */
struct Signals {
  Signals() {
    static thread_local char* alternate;
    constexpr size_t bytes = 1 << 16;
    if (!alternate) alternate = static_cast<char*>(malloc(bytes));
    stack_t stack = {};
    stack.ss_sp = alternate;
    stack.ss_size = bytes;
    sigaltstack(&stack, &oldStack);
    struct sigaction action = {};
    action.sa_sigaction = onSignal;
    action.sa_flags = SA_ONSTACK | SA_NODEFER | SA_SIGINFO;
    sigaction(SIGSEGV, &action, &oldSegmentation);
    sigaction(SIGFPE, &action, &oldArithmetic);
    inKernel = true;
  }
  ~Signals() {
    inKernel = false;
    sigaction(SIGSEGV, &oldSegmentation, nullptr);
    sigaction(SIGFPE, &oldArithmetic, nullptr);
    sigaltstack(&oldStack, nullptr);
  }
  stack_t oldStack;
};

void beginBlock(int threads) {
  context.cursor = 0;
  context.live = threads;
  context.arrived = 0;
  context.openGroups = 0;
  state.serial++;
  state.epoch = 0;
  fibersMade = 0;
  idle.clear();
  ready.clear();
  atBarrier.clear();
  for (int warp = 0; warp * 32 < threads; warp++) {
    int lanes = threads - warp * 32;
    context.liveLanes[warp] = lanes >= 32 ? 0xffffffffu : (1u << lanes) - 1;
    state.warpEpoch[warp] = 0;
    for (auto& group : groups[warp]) {
      group.open = false;
      group.readers = 0;
    }
  }
}

void runBlock(int threads, const CUfunction function, char* dynamicShared, unsigned sharedBytes) {
  beginBlock(threads);
  const CUmodule module = function->module;
  if (module->sharedTo > module->sharedFrom)
    memset(module->sharedFrom, 0xff, static_cast<size_t>(module->sharedTo - module->sharedFrom));
  if (sharedBytes) memset(dynamicShared, 0xff, sharedBytes);
  running = &fibers[freshFiber()];
  stackFrom = running->stack;
  stackTo = running->stack + kStackBytes;
  switchTo(running->top, &launcher);
  if (failure || context.live == 0) return;
  int open = 0;
  for (auto& warp : groups)
    for (auto& group : warp) open += group.open;
  failure = CUDA_ERROR_LAUNCH_FAILED;
  failureText = "deadlock: " + std::to_string(context.live) + " of " + std::to_string(threads) + " threads never end (" +
                std::to_string(atBarrier.size()) + " wait at __syncthreads of line " + std::to_string(barrierLine) +
                ", " + std::to_string(open) + " warp operations are incomplete)";
}

/** The numbers from 0 in the order that the options ask for. */
template <class T>
void fillOrder(std::vector<T>& order, size_t count) {
  order.resize(count);
  for (size_t i = 0; i < count; i++) order[i] = static_cast<T>(options.order == 1 ? count - 1 - i : i);
  if (options.order == 2) std::shuffle(order.begin(), order.end(), random_);
}
}  // namespace

void fault(const std::string& message, const char* file, int line, int code) {
  if (!failure) {
    std::string place;
    if (file) {
      const char* base = strrchr(file, '/');
      place = " [" + std::string(base ? base + 1 : file) + ":" + std::to_string(line) + "]";
    }
    failure = code;
    failureText = message + place + where();
  }
  running = nullptr;
  void* gone;
  switchTo(launcher, &gone);
  __builtin_unreachable();
}

void run(const Launch& launch) {
  if (sticky) return;
  static EmuUint3 places[kMostThreads];
  static std::vector<uint16_t> order;
  static std::vector<uint64_t> blocks;
  static uint64_t launches;
  static char* dynamicShared;
  if (!dynamicShared)
    dynamicShared = static_cast<char*>(mmap(nullptr, kDynamicShared, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  const EmuUint3 grid = launch.grid, block = launch.block;
  const int threads = static_cast<int>(block.x * block.y * block.z);
  for (unsigned i = 0; i < static_cast<unsigned>(threads); i++)
    places[i] = {i % block.x, i / block.x % block.y, i / (block.x * block.y)};
  context.barrier = barrier;
  context.exited = exited;
  context.warp = warpOperation;
  context.access = options.check ? checkAccess : unchecked;
  context.fault = faultOf;
  context.blockSize = block;
  context.gridSize = grid;
  context.count = threads;
  context.places = places;
  context.dynamicShared = dynamicShared;
  *launch.function->module->context = &context;
  std::vector<void*> arguments;
  for (const auto& argument : launch.arguments) arguments.push_back(const_cast<char*>(argument.data()));
  kernelRun = launch.function->run;
  kernelArguments = arguments.data();
  failure = 0;
  state.launchSerial = state.serial + 1;
  random_.seed(options.seed * 7919u + static_cast<unsigned>(++launches));
  if (options.check) beginChecks(*launch.function->module, dynamicShared, launch.sharedBytes);
  const uint64_t count = uint64_t{grid.x} * grid.y * grid.z;
  if (options.order == 2) fillOrder(blocks, count);
  if (order.size() != static_cast<size_t>(threads) || options.order != 0) fillOrder(order, static_cast<size_t>(threads));
  {
    Signals signals;
    if (int signal = sigsetjmp(escape, 0)) {
      if (!failure) {
        failure = CUDA_ERROR_ILLEGAL_ADDRESS;
        failureText = (signal == SIGSEGV ? "illegal address" : "division by zero") + where();
      }
    } else {
      for (uint64_t i = 0; i < count && !failure; i++) {
        uint64_t b = options.order == 2 ? blocks[i] : options.order == 1 ? count - 1 - i : i;
        context.block = {static_cast<unsigned>(b % grid.x), static_cast<unsigned>(b / grid.x % grid.y),
                         static_cast<unsigned>(b / (uint64_t{grid.x} * grid.y))};
        if (options.order == 2) std::shuffle(order.begin(), order.end(), random_);
        context.order = order.data();
        runBlock(threads, launch.function, dynamicShared, launch.sharedBytes);
      }
    }
  }
  if (failure) {
    sticky = failure;
    stickyText = launch.function->name + ": " + failureText;
    if (options.verbose) fprintf(stderr, "[emulated CUDA] %s\n", stickyText.c_str());
  }
}

}  // namespace emu
