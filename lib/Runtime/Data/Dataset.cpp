#include "ftc/Runtime/Data/Dataset.h"

#include "RowReader.h"

#include <algorithm>
#include <array>

namespace ftc::runtime::data {

namespace {

/// Documents hold 32-bit places.
constexpr int64_t mostTokens = INT32_MAX;
/// A text file is encoded in stretches of at least this many bytes.
constexpr size_t stretchBytes = size_t{4} << 20;

struct FormatName {
  std::string_view name;
  Format format;
  /// The fields it reads, by their own names.
  std::array<std::string_view, 3> fields;
};

constexpr FormatName formats[] = {{"tokens", Format::Tokens, {"input_ids", "labels"}},
                                  {"completion", Format::Completion, {"text"}},
                                  {"alpaca", Format::Alpaca, {"instruction", "input", "output"}},
                                  {"messages", Format::Messages, {"messages"}}};

/// Renamed fields are fields of the format.
Status checkFields(const DatasetOptions &options) {
  for (const FormatName &format : formats) {
    if (format.format != options.format)
      continue;
    for (const auto &[field, renamed] : options.fields) {
      std::string known;
      bool found = false;
      for (std::string_view name : format.fields) {
        found |= !name.empty() && name == field;
        known += name.empty() ? "" : fmt::format("{}'{}'", known.empty() ? "" : ", ", name);
      }
      if (!found)
        return makeError(ExitStatus::Recipe, "format '{}' has no field {}; it has {}", format.name, quote(field),
                         known);
    }
  }
  return Status::success();
}

bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/// Cuts a long text behind line breaks that have no blank on either side, where the usual ways of splitting a text
/// split as well, so that the tokens are those of the whole text.
std::vector<std::string_view> stretchesOf(std::string_view text) {
  std::vector<std::string_view> stretches;
  while (text.size() > stretchBytes) {
    size_t end = stretchBytes;
    while (end < text.size() && !(text[end - 1] == '\n' && !isBlank(text[end - 2]) && !isBlank(text[end])))
      ++end;
    stretches.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  if (!text.empty())
    stretches.push_back(text);
  return stretches;
}

/// Adds a sequence if its ids are the model's and it still fits. `place` names it in messages.
Status add(DocumentStore &store, const Sequence &sequence, const DatasetOptions &options, const std::string &place) {
  if (static_cast<int64_t>(sequence.ids.size()) > mostTokens - store.tokens())
    return makeError(ExitStatus::Memory, "{}: more than {} tokens", options.path, mostTokens);
  auto largest = std::max_element(sequence.ids.begin(), sequence.ids.end());
  if (options.vocabularySize > 0 && largest != sequence.ids.end() && *largest >= options.vocabularySize)
    return makeError(ExitStatus::Input, "{}the tokenizer gives the id {}, but the model knows {} tokens only", place,
                     *largest, options.vocabularySize);
  store.add(sequence);
  return Status::success();
}

Expected<DocumentStore> readPlainText(const DatasetOptions &options, const RowReader &reader) {
  if (options.format != Format::Completion)
    return makeError(ExitStatus::Recipe, "{}: a text file has the format 'completion'", options.path);
  Expected<MappedFile> file = MappedFile::open(options.path);
  if (!file)
    return file.error();
  DocumentStore store;
  store.cutsLongDocuments = true;
  store.fileRows = 1;
  if (file->text().empty()) {
    store.emptyRows = 1;
    return store;
  }
  Expected<Sequence> sequence = reader.readText(stretchesOf(file->text()));
  if (!sequence)
    return Error{sequence.error().status, options.path + ": " + sequence.error().message};
  if (Status status = add(store, *sequence, options, options.path + ": "); !status)
    return status.error();
  return store;
}

} // namespace

std::optional<Format> parseFormat(std::string_view name) {
  for (const FormatName &format : formats)
    if (format.name == name)
      return format.format;
  return std::nullopt;
}

Expected<DocumentStore> readDataset(const DatasetOptions &options, const text::TextCodec *codec) {
  if (Status status = checkFields(options); !status)
    return status.error();
  Expected<RowReader> reader = RowReader::create(options, codec);
  if (!reader)
    return reader.error();
  if (options.path.ends_with(".txt"))
    return readPlainText(options, *reader);
  Expected<RowSource> source = RowSource::open(options.path);
  if (!source)
    return source.error();
  DocumentStore store;
  while (options.limit == 0 || store.fileRows < options.limit) {
    Expected<std::optional<Row>> row = source->next();
    if (!row)
      return row.error();
    if (!*row)
      break;
    Expected<Sequence> sequence = reader->read(**row);
    if (!sequence)
      return sequence.error();
    ++store.fileRows;
    if (sequence->ids.empty()) {
      ++store.emptyRows;
      continue;
    }
    if (Status status = add(store, *sequence, options, (*row)->place); !status)
      return status.error();
  }
  return store;
}

} // namespace ftc::runtime::data
