// What the embedder can no longer do once it has shut itself in. Each test does it in a child process.
#include "sandbox.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <torch/script.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "model.hpp"

namespace medvec::embedder {
namespace {

const std::string kData = MEDVEC_TEST_DATA;
constexpr int kSkip = 77;

// True when `check` holds in a child with the sandbox around it. The parent has no threads of its own.
int InSandbox(const std::vector<std::string>& readable, bool files, auto check) {
  pid_t child = fork();
  if (child == 0) {
    InitTorch();
    if (files && !RestrictFiles(readable)) _exit(kSkip);
    if (!RestrictSystemCalls()) _exit(kSkip);
    bool held = false;
    try {
      held = check();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
    _exit(held ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

#define EXPECT_IN_SANDBOX(...)                                                        \
  do {                                                                                \
    int status = InSandbox(__VA_ARGS__);                                              \
    if (status == kSkip) GTEST_SKIP() << "this kernel does not offer what is tested"; \
    EXPECT_EQ(status, 0);                                                             \
  } while (false)

bool Denied(long result) { return result == -1 && errno == EPERM; }

TEST(Sandbox, NoProcessesButThreads) {
  EXPECT_IN_SANDBOX({}, false, [] {
    bool ran = false;
    std::thread([&] { ran = true; }).join();
    char* arguments[] = {const_cast<char*>("true"), nullptr};
    return ran && Denied(fork()) && Denied(vfork()) && Denied(execv("/bin/true", arguments)) && system("true") != 0;
  });
}

TEST(Sandbox, NoConnectionsButPairs) {
  EXPECT_IN_SANDBOX({}, false, [] {
    int ends[2];
    return Denied(socket(AF_INET, SOCK_STREAM, 0)) && Denied(socket(AF_UNIX, SOCK_STREAM, 0)) &&
           socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 && Denied(connect(ends[0], nullptr, 0));
  });
}

TEST(Sandbox, NothingIsWritten) {
  std::string path = ::testing::TempDir() + "medvec-sandbox-" + std::to_string(getpid());
  std::ofstream(path) << "old";
  EXPECT_IN_SANDBOX({}, false, [&] {
    const char* name = path.c_str();
    return Denied(open(name, O_WRONLY)) && Denied(open(name, O_RDWR)) && Denied(open(name, O_RDONLY | O_TRUNC)) &&
           Denied(open((path + "2").c_str(), O_RDONLY | O_CREAT, 0600)) && Denied(unlink(name)) &&
           Denied(rename(name, "/tmp/x")) && Denied(chmod(name, 0)) && Denied(truncate(name, 0)) &&
           Denied(mkdir((path + "3").c_str(), 0700)) && open(name, O_RDONLY) >= 0;
  });
  EXPECT_EQ(std::filesystem::file_size(path), 3u);
  std::filesystem::remove(path);
}

TEST(Sandbox, NoSignalsButTheKillOfADecoder) {
  EXPECT_IN_SANDBOX({}, false, [] { return Denied(kill(getppid(), SIGKILL)) && Denied(kill(getppid(), 0)); });
}

TEST(Sandbox, ReadsBelowTheModelDirectoriesOnly) {
  EXPECT_IN_SANDBOX({kData}, true, [] {
    bool inside = open((kData + "/good.pt").c_str(), O_RDONLY) >= 0;
    bool outside = open("/etc/passwd", O_RDONLY) >= 0 || open(kData.substr(0, kData.rfind('/')).c_str(), O_RDONLY) >= 0;
    return inside && !outside;
  });
}

// The second wall: these are refused by the operator list, and here they are run all the same.
at::Tensor RunUnchecked(const std::string& name) {
  torch::jit::Module module = torch::jit::load(kData + "/" + name + ".pt");
  return module.forward({torch::ones({1, 3, 8, 8})}).toTensor();
}

TEST(Sandbox, AHostileModelCannotWrite) {
  const char* kTrace = "/tmp/medvec-hostile-model";
  auto run = [](const char* name) {
    try {
      RunUnchecked(name);
    } catch (const std::exception&) {
      // aten::save does not look at whether it could write
    }
    return true;
  };
  for (const char* name : {"writes_file", "hides_in_function", "hides_in_setstate"}) {
    std::remove(kTrace);
    EXPECT_IN_SANDBOX({kData}, true, [&] { return run(name); });
    EXPECT_FALSE(std::filesystem::exists(kTrace)) << name;
    // It would have.
    if (pid_t child = fork(); child == 0) {
      _exit(run(name) ? 0 : 1);
    } else {
      waitpid(child, nullptr, 0);
    }
    EXPECT_TRUE(std::filesystem::exists(kTrace)) << name;
    std::remove(kTrace);
  }
}

TEST(Sandbox, AHostileModelCannotReadTheServersFiles) {
  EXPECT_IN_SANDBOX({kData}, true, [] {
    try {
      RunUnchecked("reads_file");
    } catch (const std::exception&) {
      return true;
    }
    return false;
  });
}

TEST(Sandbox, AModelRuns) {
  EXPECT_IN_SANDBOX({kData}, true, [] { return RunUnchecked("good").numel() == 4; });
}

}  // namespace
}  // namespace medvec::embedder
