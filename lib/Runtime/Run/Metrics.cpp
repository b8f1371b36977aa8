//===- Metrics.cpp - metrics.jsonl -------------------------------------------===//

#include "ftc/Runtime/Run/Metrics.h"

#include "ftc/Runtime/IO/Json.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ftc::run {

std::string metricsLine(const StepMetrics &metrics) {
  return fmt::format("{{\"step\":{},\"loss\":{:.17g},\"lr\":{:.17g},\"grad_norm\":{:.17g},\"tokens\":{},"
                     "\"supervised_tokens\":{},\"seconds\":{:.6g}}}",
                     metrics.step, metrics.loss, metrics.lr, metrics.gradNorm, metrics.tokens, metrics.supervisedTokens,
                     metrics.seconds);
}

std::string evaluationLine(std::string_view name, double loss) {
  // JSON has no infinity: a perplexity beyond f64 is null.
  double perplexity = std::exp(loss);
  return fmt::format("{{\"evaluate\":{},\"loss\":{:.17g},\"perplexity\":{}}}", json::dumpString(name), loss,
                     std::isfinite(perplexity) ? fmt::format("{:.17g}", perplexity) : "null");
}

static Error failure(const std::string &path, std::string_view what) {
  return makeError(ExitStatus::Output, "{}: {}: {}", path, what, std::strerror(errno));
}

Expected<MetricsFile> MetricsFile::open(const std::string &path, uint64_t keptBytes) {
  FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
  if (!fd)
    return failure(path, "cannot be opened");
  struct stat info{};
  if (fstat(fd.get(), &info) != 0)
    return failure(path, "cannot be read");
  MetricsFile metrics(path, std::move(fd));
  if (static_cast<uint64_t>(info.st_size) < keptBytes)
    keptBytes = static_cast<uint64_t>(info.st_size); // someone else has shortened it
  if (Status status = metrics.truncate(keptBytes); !status)
    return status.error();
  return metrics;
}

Status MetricsFile::truncate(uint64_t bytes) {
  if (ftruncate(file.get(), static_cast<off_t>(bytes)) != 0 ||
      lseek(file.get(), static_cast<off_t>(bytes), SEEK_SET) < 0)
    return failure(path, "cannot be shortened");
  length = bytes;
  return Status::success();
}

Status MetricsFile::append(std::string_view line) {
  std::string text = std::string(line) + "\n";
  for (size_t done = 0; done < text.size();) {
    ssize_t written = write(file.get(), text.data() + done, text.size() - done);
    if (written < 0 && errno != EINTR)
      return failure(path, "cannot be written");
    done += written > 0 ? static_cast<size_t>(written) : 0;
  }
  length += text.size();
  return Status::success();
}

Status MetricsFile::sync() {
  if (fsync(file.get()) != 0)
    return failure(path, "cannot be synced");
  return Status::success();
}

} // namespace ftc::run
