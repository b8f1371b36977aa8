#include "ftc/Runtime/Text/Pattern.h"

#include "Unicode.h"

#include <fmt/format.h>
#include <oniguruma.h>

#include <memory>
#include <mutex>
#include <new>

namespace ftc::runtime::text {

namespace {

constexpr size_t longestPattern = 16 << 10;
/// Backtracking steps of one search: linear patterns need about one for each character of a run.
constexpr unsigned long mostRetries = 20'000'000;
/// Entries of the backtracking stack, about 40 bytes each.
constexpr unsigned int mostStackEntries = 8'000'000;

const OnigUChar *bytesOf(std::string_view text) { return reinterpret_cast<const OnigUChar *>(text.data()); }

std::string messageOf(int code, OnigErrorInfo *info = nullptr) {
  OnigUChar buffer[ONIG_MAX_ERROR_MESSAGE_LEN];
  int length = info ? onig_error_code_to_str(buffer, code, info) : onig_error_code_to_str(buffer, code);
  return std::string(reinterpret_cast<const char *>(buffer), static_cast<size_t>(length));
}

void initializeOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    OnigEncoding encodings[] = {ONIG_ENCODING_UTF8};
    onig_initialize(encodings, 1);
    onig_set_warn_func(onig_null_warn);
    onig_set_verb_warn_func(onig_null_warn);
  });
}

struct FreeRegion {
  void operator()(OnigRegion *region) const { onig_region_free(region, 1); }
};
struct FreeParameters {
  void operator()(OnigMatchParam *parameters) const { onig_free_match_param(parameters); }
};

/// The parameters and the capture region of searches in one text.
struct Search {
  Search() : region(onig_region_new()), parameters(onig_new_match_param()) {
    if (!region || !parameters)
      throw std::bad_alloc();
    onig_initialize_match_param(parameters.get());
    onig_set_retry_limit_in_match_of_match_param(parameters.get(), mostRetries);
    onig_set_retry_limit_in_search_of_match_param(parameters.get(), mostRetries);
    onig_set_match_stack_limit_size_of_match_param(parameters.get(), mostStackEntries);
  }

  std::unique_ptr<OnigRegion, FreeRegion> region;
  std::unique_ptr<OnigMatchParam, FreeParameters> parameters;
};

} // namespace

struct Pattern::Compiled {
  explicit Compiled(regex_t *regex) : regex(regex) {}
  ~Compiled() { onig_free(regex); }
  Compiled(const Compiled &) = delete;
  Compiled &operator=(const Compiled &) = delete;

  regex_t *regex;
};

Expected<Pattern> Pattern::literal(std::string text) {
  if (text.empty())
    return makeError(ExitStatus::Input, "an empty pattern");
  Pattern pattern;
  pattern.source = std::move(text);
  return pattern;
}

Expected<Pattern> Pattern::regex(std::string_view source) {
  if (source.empty() || source.size() > longestPattern)
    return makeError(ExitStatus::Input, "a regular expression of {} bytes; 1 to {} are supported", source.size(),
                     longestPattern);
  initializeOnce();
  regex_t *regex = nullptr;
  OnigErrorInfo info;
  int code = onig_new(&regex, bytesOf(source), bytesOf(source) + source.size(), ONIG_OPTION_NONE, ONIG_ENCODING_UTF8,
                      ONIG_SYNTAX_DEFAULT, &info);
  if (code == ONIGERR_MEMORY)
    throw std::bad_alloc();
  if (code != ONIG_NORMAL)
    return makeError(ExitStatus::Input, "the regular expression {}: {}", quote(source), messageOf(code, &info));
  Pattern pattern;
  pattern.source = source;
  pattern.compiled = std::make_shared<Compiled>(regex);
  return pattern;
}

Status Pattern::findAll(std::string_view text, std::vector<Range> &matches) const {
  if (!compiled) {
    for (size_t at = text.find(source); at != text.npos; at = text.find(source, at + source.size()))
      matches.push_back({at, at + source.size()});
    return Status::success();
  }
  Search search;
  const OnigUChar *begin = bytesOf(text), *end = begin + text.size();
  size_t lastEnd = text.npos;
  for (size_t position = 0; position <= text.size();) {
    int at = onig_search_with_param(compiled->regex, begin, end, begin + position, end, search.region.get(),
                                    ONIG_OPTION_NONE, search.parameters.get());
    if (at == ONIG_MISMATCH)
      break;
    if (at == ONIGERR_MEMORY)
      throw std::bad_alloc();
    if (at < 0)
      return makeError(ExitStatus::Input, "the regular expression {} gave up on a text: {}", quote(source),
                       messageOf(at));
    Range match{static_cast<size_t>(search.region->beg[0]), static_cast<size_t>(search.region->end[0])};
    // An empty match right behind the last one is passed over.
    if (match.begin == match.end && match.end == lastEnd) {
      if (position >= text.size())
        break;
      nextChar(text, position);
      continue;
    }
    matches.push_back(match);
    position = lastEnd = match.end;
  }
  return Status::success();
}

Expected<std::string> Pattern::replaceAll(std::string_view text, std::string_view content) const {
  std::vector<Range> matches;
  if (Status status = findAll(text, matches); !status)
    return status.error();
  if (text.size() + matches.size() * content.size() > longestText)
    return makeError(ExitStatus::Input, "replacing {} makes a text longer than {} bytes", quote(source), longestText);
  std::string out;
  out.reserve(text.size());
  size_t covered = 0;
  for (const Range &match : matches) {
    out += text.substr(covered, match.begin - covered);
    out += content;
    covered = match.end;
  }
  out += text.substr(covered);
  return out;
}

} // namespace ftc::runtime::text
