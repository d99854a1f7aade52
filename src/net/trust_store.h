// The certificates a transport trusts, parsed once and shared by its connections (libcurl alone would parse
// the machine's whole bundle again, or keep one copy for each of its own configurations). Built when first
// asked for, so that a process that never speaks TLS never reads a bundle.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "base/error.h"

namespace abo::net {

class TrustStore {
 public:
  TrustStore(bool system_roots, std::string ca_file, std::string ca_pem);

  // Reads and parses on the first call. Unavailable / EndpointUnreachable when a named file cannot be read or
  // holds no certificate; the next call tries again, so a file that appears later heals it.
  [[nodiscard]] Result<void> load();

  // Makes the store the one that `context` verifies against. Only after a load() that succeeded.
  void give_to(SSL_CTX* context) const;

 private:
  struct Free {
    void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  };

  bool system_roots_;
  std::string ca_file_;
  std::string ca_pem_;
  std::unique_ptr<X509_STORE, Free> store_;
};

// The file that holds the machine's roots: $SSL_CERT_FILE, else the first of the places distributions use; ""
// when there is none. A static OpenSSL knows only the folder it was configured with, so it is not asked.
[[nodiscard]] std::string system_ca_file();

}  // namespace abo::net
