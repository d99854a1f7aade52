// TLS as a user meets it: who is trusted, under which name, with which client certificate. The certificates are made
// here, for each run.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <boost/asio/ssl.hpp>
#include <boost/asio/ssl/impl/src.hpp>

#include <cstdlib>
#include <fstream>
#include <memory>

#include "net/curl_transport.h"
#include "net/test_server.h"
#include "net/trust_store.h"

namespace abo::net {
namespace {

namespace ssl = boost::asio::ssl;
using namespace std::chrono_literals;
using testing::read_request;
using testing::run;
using testing::tcp;
using testing::TestServer;
using testing::write_text;

struct Identity {
  std::string certificate;
  std::string key;
};

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

void extend(X509* certificate, X509* issuer, int what, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// A certificate for `names` ("IP:127.0.0.1"), signed by `issuer`, or by itself as an authority without one.
class Authority {
 public:
  explicit Authority(const char* name)
      : key_(EVP_EC_gen("P-256")), certificate_(make(name, key_, nullptr, nullptr, "")) {}
  ~Authority() {
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  [[nodiscard]] std::string pem() const { return pem_of(certificate_); }
  [[nodiscard]] Identity issue(const char* name, const char* names) const {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = make(name, key, certificate_, key_, names);
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    Identity identity{pem_of(certificate), text_of(bio)};
    X509_free(certificate);
    EVP_PKEY_free(key);
    return identity;
  }

 private:
  static std::string pem_of(X509* certificate) {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, certificate);
    return text_of(bio);
  }
  static X509* make(const char* name, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key, const char* names) {
    static long serial = 1;
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
    X509* signer = issuer != nullptr ? issuer : certificate;
    X509_set_issuer_name(certificate, X509_get_subject_name(signer));
    extend(certificate, signer, NID_basic_constraints, issuer != nullptr ? "CA:FALSE" : "critical,CA:TRUE");
    if (*names != '\0') extend(certificate, signer, NID_subject_alt_name, names);
    X509_sign(certificate, issuer_key != nullptr ? issuer_key : key, EVP_sha256());
    return certificate;
  }

  EVP_PKEY* key_;
  X509* certificate_;
};

using TlsStream = ssl::stream<tcp::socket>;

Task<void> serve_tls(TestServer& server, tcp::socket socket, ssl::context& context) {
  TlsStream stream(std::move(socket), context);
  auto [problem] = co_await stream.async_handshake(ssl::stream_base::server, testing::kToken);
  std::string buffer;
  while (!problem) {
    std::string request = co_await read_request(stream, buffer);
    if (request.empty()) co_return;
    server.requests.push_back(std::move(request));
    const char* name = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name);
    X509* client = SSL_get1_peer_certificate(stream.native_handle());
    std::string body = std::string(name != nullptr ? name : "") + (client != nullptr ? "+client" : "");
    X509_free(client);
    if (!co_await write_text(stream, "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                                         "\r\n\r\n" + body)) {
      co_return;
    }
  }
}

class CurlTlsTest : public ::testing::Test {
 protected:
  void serve(const char* names, bool ask_for_client = false) {
    const Identity identity = authority.issue("server", names);
    context.use_certificate_chain(boost::asio::buffer(identity.certificate));
    context.use_private_key(boost::asio::buffer(identity.key), ssl::context::pem);
    if (ask_for_client) {
      context.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
      context.add_certificate_authority(boost::asio::buffer(authority.pem()));
    }
    server = std::make_unique<TestServer>(io, [this](TestServer& self, tcp::socket socket, int) {
      return serve_tls(self, std::move(socket), context);
    });
  }
  Result<Response> get(CurlOptions options) {
    CurlTransport transport(io.get_executor(), std::move(options));
    return run(io, transport.send(Request{.url = server->url("/x", "https")}));
  }
  CurlOptions trusting() { return {.system_roots = false, .ca_pem = authority.pem()}; }

  Authority authority{"test authority"};
  ssl::context context{ssl::context::tls_server};
  boost::asio::io_context io{1};
  std::unique_ptr<TestServer> server;
};

#define EXPECT_REFUSED(result, part)                                                     \
  do {                                                                                   \
    const Result<Response> got = (result);                                               \
    ASSERT_FALSE(got.has_value());                                                       \
    EXPECT_EQ(got.error().kind, ErrorKind::Unavailable);                                 \
    EXPECT_NE(got.error().message.find(part), std::string::npos) << got.error().message; \
    EXPECT_TRUE(server->requests.empty());                                               \
  } while (false)

TEST_F(CurlTlsTest, a_server_whose_authority_is_given_is_trusted) {
  serve("IP:127.0.0.1");
  const auto answer = get(trusting());
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
}

TEST_F(CurlTlsTest, http2_falls_back_where_the_server_speaks_only_http1) {
  serve("IP:127.0.0.1");
  auto options = trusting();
  options.http2 = true;
  EXPECT_TRUE(get(options));
}

TEST_F(CurlTlsTest, an_unknown_authority_is_refused) {
  serve("IP:127.0.0.1");
  EXPECT_REFUSED(get({.system_roots = true}), "is not trusted");
  const Authority other("another authority");
  EXPECT_REFUSED(get({.system_roots = false, .ca_pem = other.pem()}), "is not trusted");
  EXPECT_REFUSED(get({.system_roots = false}), "is not trusted");
}

TEST_F(CurlTlsTest, roots_given_as_text_come_on_top_of_the_machines) {
  serve("IP:127.0.0.1");
  EXPECT_TRUE(get({.system_roots = true, .ca_pem = authority.pem()}));
}

TEST_F(CurlTlsTest, roots_come_from_a_file_that_may_appear_later) {
  serve("IP:127.0.0.1");
  const std::string path = ::testing::TempDir() + "abo-ca-" + std::to_string(::getpid()) + ".pem";
  const CurlOptions options{.system_roots = false, .ca_file = path};
  CurlTransport transport(io.get_executor(), options);
  const Request request{.url = server->url("/", "https")};
  EXPECT_REFUSED(run(io, transport.send(request)), "cannot read the CA file " + path);
  std::ofstream(path) << "nothing of use\n";
  EXPECT_REFUSED(run(io, transport.send(request)), "holds no PEM certificate");
  std::ofstream(path) << "# comment\n" << authority.pem();
  EXPECT_TRUE(run(io, transport.send(request)));
  static_cast<void>(std::remove(path.c_str()));
}

TEST_F(CurlTlsTest, another_hosts_certificate_is_refused) {
  serve("DNS:other.test");
  EXPECT_REFUSED(get(trusting()), "is not trusted");
}

TEST_F(CurlTlsTest, the_name_to_verify_can_be_given) {
  serve("DNS:other.test");
  auto options = trusting();
  options.tls_server_name = "other.test";
  const auto answer = get(options);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "other.test") << "the server must see it too";
  EXPECT_NE(server->requests.at(0).find("Host: 127.0.0.1:" + std::to_string(server->port())),
            std::string::npos);
  EXPECT_TRUE(server->requests.at(0).starts_with("GET /x "));
}

TEST_F(CurlTlsTest, verification_can_be_switched_off) {
  serve("DNS:other.test");
  EXPECT_TRUE(get({.system_roots = false, .insecure_skip_tls_verify = true}));
}

TEST_F(CurlTlsTest, a_client_certificate_is_shown) {
  serve("IP:127.0.0.1", true);
  const Identity client = authority.issue("client", "");
  auto options = trusting();
  options.client_cert_pem = client.certificate;
  options.client_key_pem = Secret(client.key);
  const auto answer = get(options);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "+client");
}

TEST_F(CurlTlsTest, a_reload_brings_a_client_certificate_into_use) {
  serve("IP:127.0.0.1", true);
  const Identity client = authority.issue("client", "");
  CurlTransport transport(io.get_executor(), trusting());
  const Request request{.url = server->url("/", "https")};
  EXPECT_FALSE(run(io, transport.send(request)));
  auto options = trusting();
  options.client_cert_pem = client.certificate;
  options.client_key_pem = Secret(client.key);
  transport.reload(options);
  EXPECT_TRUE(run(io, transport.send(request)));
}

TEST_F(CurlTlsTest, a_client_certificate_that_is_none_is_refused_before_anything_is_sent) {
  serve("IP:127.0.0.1");
  auto options = trusting();
  options.client_cert_pem = "no certificate";
  options.client_key_pem = Secret("no key");
  const auto answer = get(options);
  EXPECT_REFUSED(answer, "TLS with 127.0.0.1");
}

TEST_F(CurlTlsTest, a_server_without_tls_is_unavailable) {
  server = std::make_unique<TestServer>(io, [](TestServer&, tcp::socket socket, int) {
    return [](tcp::socket connection) -> Task<void> {
      co_await write_text(connection, "HTTP/1.1 400 Bad Request\r\n\r\n");
    }(std::move(socket));
  });
  EXPECT_REFUSED(get(trusting()), "TLS with 127.0.0.1");
}

TEST_F(CurlTlsTest, a_handshake_that_never_ends_is_unavailable) {
  server = std::make_unique<TestServer>(io, [](TestServer&, tcp::socket socket, int) {
    return [](tcp::socket connection) -> Task<void> {
      co_await testing::pause(10s);
      static_cast<void>(connection);
    }(std::move(socket));
  });
  CurlTransport transport(io.get_executor(), trusting());
  const auto answer =
      run(io, transport.send(Request{.url = server->url("/", "https"), .connect_timeout = 50ms}));
  EXPECT_REFUSED(answer, "cannot connect to 127.0.0.1");
}

TEST(SystemCaFile, follows_the_environment) {
  ::setenv("SSL_CERT_FILE", "/nowhere/roots.pem", 1);
  EXPECT_EQ(system_ca_file(), "/nowhere/roots.pem");
  ::unsetenv("SSL_CERT_FILE");
  EXPECT_NE(system_ca_file(), "/nowhere/roots.pem");
}

}  // namespace
}  // namespace abo::net
