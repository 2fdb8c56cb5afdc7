#include "dray/runtime/program.h"

#include <fcntl.h>
#include <gflags/gflags.h>
#include <glog/logging.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "dray/base/nearest.h"
#include "dray/runtime/real_clock.h"
#include "dray/runtime/transport.h"

namespace dray::runtime {
namespace {

constexpr int kDone = 0, kFailed = 1, kWrongUse = 2;
constexpr int kRestThreads = 1;  // it only moves bytes: more would wake one another up

using Flag = gflags::CommandLineFlagInfo;

std::string Dashed(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

// Flags of the log that people know from other Kubernetes programs.
bool IsLogFlag(const Flag& flag) {
  return flag.name == "v" || flag.name == "vmodule" || flag.name == "minloglevel" ||
         flag.name == "stderrthreshold";
}

std::vector<Flag> FlagsOf(const ProgramInfo& info) {
  std::vector<Flag> all, own;
  gflags::GetAllFlags(&all);
  for (Flag& flag : all) {
    const std::string file = flag.filename.substr(flag.filename.rfind('/') + 1);
    if (std::count(info.flag_files.begin(), info.flag_files.end(), file) > 0 || IsLogFlag(flag))
      own.push_back(std::move(flag));
  }
  std::sort(own.begin(), own.end(), [](const Flag& a, const Flag& b) {
    return std::pair(IsLogFlag(a), a.name) < std::pair(IsLogFlag(b), b.name);
  });
  return own;
}

// ", did you mean --port?" where a known flag is near.
std::string Suggestion(const std::vector<Flag>& flags, const std::string& name) {
  std::vector<std::string_view> names;
  for (const Flag& flag : flags) names.push_back(flag.name);
  const std::string near(Nearest(name, names));
  return near.empty() ? "; --help lists the flags" : "; did you mean --" + Dashed(near) + "?";
}

void PrintHelp(const ProgramInfo& info, const std::vector<Flag>& flags) {
  std::cout << info.name << " " << info.usage << "\n\nFlags:\n";
  for (const Flag& flag : flags) {
    std::cout << "  --" << Dashed(flag.name);
    if (flag.type != "bool") std::cout << " " << flag.type;
    if (!flag.default_value.empty()) std::cout << "  (default " << flag.default_value << ")";
    std::cout << "\n        " << flag.description << "\n";
  }
  std::cout << "  --help\n        this text\n  --version\n        the version\n";
}

enum class Next { kRun, kHelp, kVersion };

// gflags' own parser ends the process with 1 and its own words; its registry and typed values are
// used, its parser is not.
Result<Next> ParseFlags(int argc, char** argv, const std::vector<Flag>& flags,
                        std::vector<std::string>& args) {
  auto wrong = [](std::string sentence) {
    return Status(Reason::kBadRequest, std::move(sentence));
  };
  auto find = [&](const std::string& name) -> const Flag* {
    for (const Flag& flag : flags)
      if (flag.name == name) return &flag;
    return nullptr;
  };
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (word == "--") {
      args.insert(args.end(), argv + i + 1, argv + argc);
      break;
    }
    if (word.size() < 2 || word[0] != '-') {
      args.push_back(std::move(word));
      continue;
    }
    if (word == "-h") word = "--help";
    std::string name = word.substr(word.compare(0, 2, "--") == 0 ? 2 : 1);
    std::optional<std::string> value;
    if (size_t equals = name.find('='); equals != std::string::npos) {
      value = name.substr(equals + 1);
      name.resize(equals);
    }
    std::replace(name.begin(), name.end(), '-', '_');
    if (name == "help") return Next::kHelp;
    if (name == "version") return Next::kVersion;
    const Flag* flag = find(name);
    if (flag == nullptr && !value && name.compare(0, 2, "no") == 0) {
      const size_t skip = name.size() > 3 && name[2] == '_' ? 3 : 2;
      const Flag* negated = find(name.substr(skip));
      if (negated != nullptr && negated->type == "bool") flag = negated, value = "false";
    }
    if (flag == nullptr) return wrong("unknown flag --" + Dashed(name) + Suggestion(flags, name));
    if (!value && flag->type == "bool") value = "true";
    if (!value) {
      if (i + 1 == argc) return wrong("--" + Dashed(name) + " needs a value of type " + flag->type);
      value = argv[++i];
    }
    if (gflags::SetCommandLineOption(flag->name.c_str(), value->c_str()).empty())
      return wrong("--" + Dashed(flag->name) + ": \"" + *value + "\" is no " + flag->type);
  }
  return Next::kRun;
}

int stop_event = -1;
volatile sig_atomic_t signals_seen = 0;

void OnSignal(int signal) {
  signals_seen = signals_seen + 1;
  if (signals_seen > 1) _exit(128 + signal);
  const uint64_t one = 1;
  [[maybe_unused]] ssize_t written = write(stop_event, &one, sizeof one);
}

// SIGINT and SIGTERM as a stop. Handlers, not a blocked mask: a mask would be inherited by
// children.
class SignalStop {
 public:
  SignalStop() {
    stop_event = eventfd(0, EFD_CLOEXEC);
    PCHECK(stop_event >= 0);
    struct sigaction action {};
    action.sa_handler = OnSignal;
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, nullptr);
    waiter_ = std::jthread([this] {
      uint64_t count = 0;
      while (read(stop_event, &count, sizeof count) < 0 && errno == EINTR) {
      }
      if (signals_seen > 0) LOG(INFO) << "stopping";
      source_.request_stop();
    });
  }
  ~SignalStop() {
    const uint64_t one = 1;
    [[maybe_unused]] ssize_t written = write(stop_event, &one, sizeof one);
    waiter_.join();
    // The descriptor stays open: a late signal may still write to it.
  }
  std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::jthread waiter_;
};

}  // namespace

int RunProgram(
    int argc, char** argv, const ProgramInfo& info,
    const std::function<Status(const Context& ctx, const std::vector<std::string>& args)>& run) {
  const std::vector<Flag> flags = FlagsOf(info);
  std::vector<std::string> args;
  Result<Next> next = ParseFlags(argc, argv, flags, args);
  if (!next.ok()) {
    std::cerr << info.name << ": " << next.status().message() << "\n";
    return kWrongUse;
  }
  if (*next == Next::kHelp) {
    PrintHelp(info, flags);
    return kDone;
  }
  if (*next == Next::kVersion) {
    std::cout << Version() << "\n";
    return kDone;
  }
  // Few heaps for all threads: one per thread would each keep what it once needed.
  mallopt(M_ARENA_MAX, 2);
  FLAGS_logtostderr = true;
  google::InitGoogleLogging(argv[0]);
  // cpprestsdk joins its threads after exit's handlers: OpenSSL must not be taken down under them.
  OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);
  SizeRestThreads(kRestThreads);

  Status status;
  {
    SignalStop signals;
    status = run(Context(RealClock(), signals.token()), args);
  }
  if (status.ok() || status.Is(Reason::kCancelled)) return kDone;
  std::cerr << info.name << ": " << status.message() << "\n";
  return status.Is(Reason::kBadRequest) || status.Is(Reason::kInvalid) ? kWrongUse : kFailed;
}

std::string_view Version() {
  return "dray v" DRAY_VERSION;
}

}  // namespace dray::runtime
