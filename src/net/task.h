// The coroutine type of everything that waits. One thread runs them all; parameters are taken by value, and
// nothing a coroutine refers to may die before it (CONTRIBUTING.md, rule 8).
#pragma once

#include <boost/asio/awaitable.hpp>

namespace abo {

template <class T>
using Task = boost::asio::awaitable<T>;

}  // namespace abo
