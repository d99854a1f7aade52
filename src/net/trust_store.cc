#include "net/trust_store.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

namespace abo::net {
namespace {

std::unexpected<Error> unusable(std::string message) {
  return fail(ErrorKind::Unavailable, Reason::EndpointUnreachable, std::move(message));
}

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

// How many certificates of the PEM text went into the store. Other PEM blocks are passed over.
int add_pem(X509_STORE* store, const std::string& pem) {
  const std::unique_ptr<BIO, FreeBio> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  int count = 0;
  while (true) {
    const std::unique_ptr<X509, FreeCertificate> certificate(
        PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
    if (!certificate) break;
    if (X509_STORE_add_cert(store, certificate.get()) == 1) ++count;
  }
  ERR_clear_error();  // the end of the text is an error to OpenSSL
  return count;
}

Result<void> add_file(X509_STORE* store, const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return unusable("cannot read the CA file " + path + ": " + std::strerror(errno));
  const std::string pem{std::istreambuf_iterator<char>(file), {}};
  if (add_pem(store, pem) == 0) return unusable("the CA file " + path + " holds no PEM certificate");
  return {};
}

}  // namespace

std::string system_ca_file() {
  if (const char* named = std::getenv("SSL_CERT_FILE"); named != nullptr && *named != '\0') return named;
  for (const char* path : {"/etc/ssl/certs/ca-certificates.crt",                 // Debian, Alpine, our image
                           "/etc/pki/tls/certs/ca-bundle.crt",                   // Fedora, RHEL
                           "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // RHEL 7 and newer
                           "/etc/ssl/ca-bundle.pem",                             // SUSE
                           "/etc/ssl/cert.pem"}) {                               // Alpine, BSD
    if (::access(path, R_OK) == 0) return path;
  }
  return {};
}

TrustStore::TrustStore(bool system_roots, std::string ca_file, std::string ca_pem)
    : system_roots_(system_roots), ca_file_(std::move(ca_file)), ca_pem_(std::move(ca_pem)) {}

Result<void> TrustStore::load() {
  if (store_) return {};
  std::unique_ptr<X509_STORE, Free> store(X509_STORE_new());
  if (!ca_pem_.empty() && add_pem(store.get(), ca_pem_) == 0) {
    return unusable("the given CA data holds no PEM certificate");
  }
  if (!ca_file_.empty()) {
    if (auto added = add_file(store.get(), ca_file_); !added) return added;
  }
  if (system_roots_) {
    const std::string path = system_ca_file();
    const bool others = !ca_pem_.empty() || !ca_file_.empty();
    if (path.empty() && !others) return unusable("this machine has no CA bundle; name one with --ca-file");
    if (!path.empty()) {
      if (auto added = add_file(store.get(), path); !added) return added;
    }
  }
  // As curl does: any certificate of the store is an anchor, also one that is not self-signed.
  X509_STORE_set_flags(store.get(), X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
  store_ = std::move(store);
  return {};
}

void TrustStore::give_to(SSL_CTX* context) const {
  SSL_CTX_set1_cert_store(context, store_.get());
}

}  // namespace abo::net
