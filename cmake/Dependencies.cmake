# Debian 12's packages, each behind one target name, static or shared as ABO_STATIC asks.
if(ABO_STATIC)
  set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
  set(OPENSSL_USE_STATIC_LIBS ON)
endif()

find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(fmt REQUIRED)

# fmt ships no static library in Debian, so a static build compiles it in.
add_library(abo_fmt INTERFACE)
target_link_libraries(abo_fmt INTERFACE $<IF:$<BOOL:${ABO_STATIC}>,fmt::fmt-header-only,fmt::fmt>)

# Headers of Boost 1.81 (the package libboost1.81-dev); Boost.Asio and Boost.JSON are compiled once, in boost_impl.
add_library(abo_boost_impl STATIC ${CMAKE_SOURCE_DIR}/cmake/boost_asio.cc ${CMAKE_SOURCE_DIR}/cmake/boost_json.cc)
target_compile_definitions(abo_boost_impl PUBLIC
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_REGEX)
target_link_libraries(abo_boost_impl PUBLIC Threads::Threads)
target_compile_options(abo_boost_impl PRIVATE -w)
if(ABO_SANITIZE)
  target_compile_options(abo_boost_impl PRIVATE -fsanitize=${ABO_SANITIZE} -fno-sanitize-recover=all)
endif()
add_library(abo_boost INTERFACE)
target_link_libraries(abo_boost INTERFACE abo_boost_impl)
add_library(abo_asio INTERFACE)
target_link_libraries(abo_asio INTERFACE abo_boost_impl)

find_library(ABO_RE2_LIBRARY re2 REQUIRED)
add_library(abo_re2 INTERFACE)
target_link_libraries(abo_re2 INTERFACE ${ABO_RE2_LIBRARY} Threads::Threads)

find_library(ABO_YAML_LIBRARY yaml REQUIRED)
add_library(abo_yaml INTERFACE)
target_link_libraries(abo_yaml INTERFACE ${ABO_YAML_LIBRARY})

add_library(abo_curl INTERFACE)
if(ABO_STATIC)
  if(NOT EXISTS ${ABO_CURL_ROOT}/lib/libcurl.a)
    message(FATAL_ERROR "ABO_STATIC needs a minimal libcurl: run scripts/build-libcurl.sh and pass -DABO_CURL_ROOT=<its output>")
  endif()
  find_library(ABO_NGHTTP2_LIBRARY nghttp2 REQUIRED)
  find_library(ABO_ZLIB_LIBRARY z REQUIRED)
  target_include_directories(abo_curl SYSTEM INTERFACE ${ABO_CURL_ROOT}/include)
  target_compile_definitions(abo_curl INTERFACE CURL_STATICLIB)
  target_link_libraries(abo_curl INTERFACE ${ABO_CURL_ROOT}/lib/libcurl.a ${ABO_NGHTTP2_LIBRARY} OpenSSL::SSL OpenSSL::Crypto ${ABO_ZLIB_LIBRARY} Threads::Threads ${CMAKE_DL_LIBS})
else()
  find_package(CURL 7.88 REQUIRED)
  target_link_libraries(abo_curl INTERFACE CURL::libcurl OpenSSL::SSL OpenSSL::Crypto)
endif()

add_library(abo_cli11 INTERFACE)   # header-only

if(ABO_TESTS OR ABO_FUZZ)
  find_package(pugixml REQUIRED)
endif()
if(ABO_TESTS)
  find_package(GTest REQUIRED)
  find_library(ABO_RAPIDCHECK_LIBRARY rapidcheck REQUIRED)
  include(GoogleTest)
endif()
