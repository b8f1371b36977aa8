//===- Samples.cpp - what a step that generates has so far -------------------===//

#include "Samples.h"

#include <filesystem>
#include <limits>

namespace ftc::run {

json::Object sampleObject(const Prompt &prompt, const std::string &completion) {
  json::Object object = json::makeObject("prompt", prompt.text, "completion", completion);
  if (prompt.expected)
    object.push_back({"expected", *prompt.expected});
  return object;
}

Expected<SampleFile> SampleFile::open(const std::string &path, const std::vector<Prompt> &prompts) {
  std::vector<std::string> known;
  uint64_t kept = 0;
  Expected<std::string> text = readFile(path, std::numeric_limits<uint64_t>::max());
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  for (size_t end = 0; known.size() < prompts.size() && (end = rest.find('\n')) != std::string_view::npos;) {
    Expected<json::Value> sample = json::parse(rest.substr(0, end), {});
    const json::Value *completion = sample ? sample->find("completion") : nullptr;
    if (!completion || !completion->asString() ||
        !(*sample == json::Value(sampleObject(prompts[known.size()], *completion->asString()))))
      break;
    known.push_back(*completion->asString());
    kept += end + 1;
    rest.remove_prefix(end + 1);
  }
  Expected<LineFile> lines = LineFile::open(path, kept);
  if (!lines)
    return lines.error();
  return SampleFile(path, std::move(*lines), std::move(known));
}

Status SampleFile::add(const Prompt &prompt, const std::string &completion) {
  known.push_back(completion);
  return lines.append(json::dump(json::Value(sampleObject(prompt, completion))));
}

json::Array SampleFile::samples(const std::vector<Prompt> &prompts) const {
  json::Array all;
  for (size_t i = 0; i < known.size(); ++i)
    all.push_back(sampleObject(prompts[i], known[i]));
  return all;
}

void SampleFile::remove() const {
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
}

} // namespace ftc::run
