// The fastest honest client to measure the operator's burst against: libcurl's multi interface, HTTP/2 over one
// connection, so many POSTs in flight, bodies prepared beforehand, answers thrown away unread. It decides nothing and
// records nothing: what it reaches is what the API server gives to anybody.
//
// raw_client URL CA CERT KEY BODY-FILE PREFIX COUNT IN-FLIGHT: POSTs COUNT copies of the body, @NAME@ replaced by
// PREFIX-<number>. Prints a JSON line with the seconds it took.
#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

struct Target {
  std::string url, ca, cert, key;
};

std::size_t discard(char*, std::size_t size, std::size_t count, void*) {
  return size * count;
}

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "raw_client: {}\n", why);
  std::exit(1);
}

CURL* make_easy(const Target& target, curl_slist* headers) {
  CURL* easy = curl_easy_init();
  curl_easy_setopt(easy, CURLOPT_URL, target.url.c_str());
  curl_easy_setopt(easy, CURLOPT_CAINFO, target.ca.c_str());
  curl_easy_setopt(easy, CURLOPT_SSLCERT, target.cert.c_str());
  curl_easy_setopt(easy, CURLOPT_SSLKEY, target.key.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "raw-client");
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &discard);
  return easy;
}

std::string body_of(const std::string& pattern, const std::string& name) {
  static constexpr std::string_view mark = "@NAME@";
  std::string body = pattern;
  for (std::size_t at = body.find(mark); at != body.npos; at = body.find(mark, at + name.size()))
    body.replace(at, mark.size(), name);
  return body;
}

void check(CURL* easy, CURLcode code) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  if (code != CURLE_OK) give_up(curl_easy_strerror(code));
  if (status != 201) give_up(fmt::format("the API server answered {}", status));
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

void post_all(const Target& target, std::vector<std::string> bodies, std::size_t in_flight) {
  CURLM* multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
  curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, 1L);
  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
  headers = curl_slist_append(headers, "Accept: application/json");
  std::vector<CURL*> idle;
  for (std::size_t i = 0; i < in_flight; ++i) idle.push_back(make_easy(target, headers));
  std::size_t next = 0, done = 0;
  while (done < bodies.size()) {
    for (; !idle.empty() && next < bodies.size(); idle.pop_back(), ++next) {
      curl_easy_setopt(idle.back(), CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(bodies[next].size()));
      curl_easy_setopt(idle.back(), CURLOPT_POSTFIELDS, bodies[next].data());
      curl_multi_add_handle(multi, idle.back());
    }
    int running = 0, left = 0;
    curl_multi_perform(multi, &running);
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      CURL* easy = message->easy_handle;
      check(easy, message->data.result);
      curl_multi_remove_handle(multi, easy);
      idle.push_back(easy);
      ++done;
    }
    if (done < bodies.size() && idle.empty()) curl_multi_poll(multi, nullptr, 0, 1000, nullptr);
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 9) give_up("usage: raw_client URL CA CERT KEY BODY-FILE PREFIX COUNT IN-FLIGHT");
  Target target{arguments[1], arguments[2], arguments[3], arguments[4]};
  std::ifstream file(arguments[5]);
  std::string pattern{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::string> bodies;
  for (int i = 0; i < std::atoi(arguments[7]); ++i)
    bodies.push_back(body_of(pattern, fmt::format("{}-{:04}", arguments[6], i)));
  curl_global_init(CURL_GLOBAL_DEFAULT);
  auto begin = std::chrono::steady_clock::now();
  post_all(target, std::move(bodies), static_cast<std::size_t>(std::atoi(arguments[8])));
  std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  fmt::print("{{\"wall_seconds\": {:.6f}, \"cpu_seconds\": {:.6f}}}\n", wall.count(), cpu_seconds());
}
