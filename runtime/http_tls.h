#pragma once

#include <sys/stat.h>

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "dray/base/clock.h"
#include "dray/runtime/http_server.h"

namespace dray::runtime {

// The TLS context of a server, made anew when one of its files has changed. One thread at a time.
class TlsContexts {
 public:
  // kInvalid names the file and what is wrong with it.
  static Result<std::unique_ptr<TlsContexts>> Load(const TlsFiles& files);

  // The present context; looks at the files at most once a second. Files that cannot be used (half
  // written) are logged once and the context before them stays. Sessions keep the context that they
  // began with.
  std::shared_ptr<boost::asio::ssl::context> Current(SteadyTime now);

 private:
  struct Stamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    int64_t modified_ns = 0;
    bool operator==(const Stamp&) const = default;
  };
  explicit TlsContexts(const TlsFiles& files) : files_(files) {}
  std::vector<Stamp> Stamps() const;

  const TlsFiles files_;
  std::shared_ptr<boost::asio::ssl::context> context_;
  std::vector<Stamp> seen_;  // of the files as last tried
  SteadyTime next_look_{};
};

// CN and O of the peer's certificate; nothing without one. The caller has seen to its verification.
void ReadPeerSubject(SSL* ssl, std::string& common_name, std::vector<std::string>& organizations);

}  // namespace dray::runtime
