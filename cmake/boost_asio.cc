// The one place where Boost.Asio's non-template code is compiled.
#include <boost/asio/impl/src.hpp>
