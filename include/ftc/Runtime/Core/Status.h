//===- Status.h - errors of the runtime as values ----------------*- C++ -*-===//
//
// The one error style of lib/Runtime: a function that can fail returns a Status or an Expected<T>. No exception leaves
// the runtime's interfaces, nothing is printed and nothing calls exit(): the executable's main turns an Error into the
// process's exit status and a line on stderr.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_RUNTIME_CORE_STATUS_H
#define FTC_RUNTIME_CORE_STATUS_H

#include <fmt/core.h>

#include <cassert>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace ftc::runtime {

/// How a process of ours ends.
enum class ExitStatus {
  Done = 0,
  Recipe = 1,        ///< the recipe is wrong
  Usage = 2,         ///< the command line is wrong
  Input = 3,         ///< an input file is missing or malformed
  Memory = 4,        ///< does not fit in memory
  Numbers = 5,       ///< NaN or Inf: nothing was saved after it
  Output = 6,        ///< an output could not be written
  Bug = 70,          ///< a bug of ours, asks for a report
  Interrupted = 130, ///< stopped by a signal, checkpoint written
};

/// Why something failed. The message is lower-case, names the file and the place, and has no full stop.
struct Error {
  ExitStatus status;
  std::string message;
};

/// Formats an error. Text that comes from a file goes through quote().
template <typename... Args> Error makeError(ExitStatus status, fmt::format_string<Args...> format, Args &&...args) {
  return {status, fmt::format(format, std::forward<Args>(args)...)};
}

/// `text` in single quotes, control characters and malformed UTF-8 escaped, cut after 120 bytes: fit for a terminal.
std::string quote(std::string_view text);

/// Success or an Error; true on success.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(Error error) : failure(std::move(error)) {}

  static Status success() { return {}; }
  explicit operator bool() const { return !failure; }
  const Error &error() const {
    assert(failure && "a success has no error");
    return *failure;
  }

private:
  std::optional<Error> failure;
};

/// A value or an Error; true when it holds a value.
template <typename T> class [[nodiscard]] Expected {
public:
  Expected(T value) : content(std::in_place_index<0>, std::move(value)) {}
  Expected(Error error) : content(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return content.index() == 0; }
  T &operator*() & { return std::get<0>(content); }
  const T &operator*() const & { return std::get<0>(content); }
  T &&operator*() && { return std::get<0>(std::move(content)); }
  T *operator->() { return &std::get<0>(content); }
  const T *operator->() const { return &std::get<0>(content); }
  const Error &error() const { return std::get<1>(content); }

private:
  std::variant<T, Error> content;
};

} // namespace ftc::runtime

#endif // FTC_RUNTIME_CORE_STATUS_H
