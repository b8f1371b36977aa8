#include "ftc/Runtime/Data/Dataset.h"

#include "RecordReader.h"

#include <algorithm>
#include <array>

namespace ftc::runtime::data {

namespace {

/// Documents hold 32-bit places.
constexpr int64_t mostTokens = INT32_MAX;
/// A text file is encoded in stretches of at least this many bytes.
constexpr size_t stretchBytes = size_t{4} << 20;
/// Rows between two calls of the one who watches.
constexpr int64_t watchedRows = 256;

struct FormatName {
  std::string_view name;
  Format format;
  /// The fields it reads, by their own names.
  std::array<std::string_view, 3> fields;
};

constexpr FormatName formats[] = {{"tokens", Format::Tokens, {"input_ids", "labels", "completion_mask"}},
                                  {"completion", Format::Completion, {"text"}},
                                  {"infill", Format::Infill, {"text"}},
                                  {"alpaca", Format::Alpaca, {"instruction", "input", "output"}},
                                  {"messages", Format::Messages, {"messages"}},
                                  {"preference", Format::Preference, {"prompt", "chosen", "rejected"}},
                                  {"feedback", Format::Feedback, {"prompt", "completion", "desirable"}},
                                  {"pairs", Format::Pairs, {"query", "positive"}},
                                  {"classification", Format::Classification, {"text", "label"}}};

/// Renamed fields are fields of the format, or numbers that are none of them.
Status checkFields(const DatasetOptions &options) {
  for (const FormatName &format : formats) {
    if (format.format != options.format)
      continue;
    for (const std::string &number : options.numbers)
      if (std::ranges::find(format.fields, number) != format.fields.end())
        return makeError(ExitStatus::Recipe, "format '{}' has a field {} of its own", format.name, quote(number));
    for (const auto &[field, renamed] : options.fields) {
      if (std::ranges::find(options.numbers, field) != options.numbers.end())
        continue;
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

} // namespace

Status addDocument(DocumentStore &store, const Sequence &sequence, const DatasetOptions &options,
                   const std::string &place) {
  if (static_cast<int64_t>(sequence.ids.size()) > mostTokens - store.tokens())
    return makeError(ExitStatus::Memory, "{}: more than {} tokens", options.path, mostTokens);
  auto largest = std::max_element(sequence.ids.begin(), sequence.ids.end());
  if (options.vocabularySize > 0 && largest != sequence.ids.end() && *largest >= options.vocabularySize)
    return makeError(ExitStatus::Input, "{}the tokenizer gives the id {}, but the model knows {} tokens only", place,
                     *largest, options.vocabularySize);
  store.add(sequence);
  return Status::success();
}

namespace {

Expected<RecordStore> readPlainText(const DatasetOptions &options, const RowReader &reader) {
  if (options.format != Format::Completion)
    return makeError(ExitStatus::Recipe, "{}: a text file has the format 'completion'", options.path);
  if (!options.numbers.empty())
    return makeError(ExitStatus::Recipe, "{}: a text file has no numbers", options.path);
  Expected<MappedFile> file = MappedFile::open(options.path);
  if (!file)
    return file.error();
  RecordStore result;
  DocumentStore &store = result.texts.front();
  store.cutsLongDocuments = true;
  store.fileRows = 1;
  if (file->text().empty()) {
    store.emptyRows = 1;
    return result;
  }
  Expected<Sequence> sequence = reader.readText(stretchesOf(file->text()));
  if (!sequence)
    return Error{sequence.error().status, options.path + ": " + sequence.error().message};
  if (Status status = addDocument(store, *sequence, options, options.path + ": "); !status)
    return status.error();
  return result;
}

const RecordKind &kindOf(Format format) {
  for (const FormatName &known : formats)
    if (known.format == format)
      return recordKindOf(known.name);
  return recordKinds[0];
}

/// Adds a row that is one text; one without text is counted only.
Status addRow(const RowReader &reader, const Row &row, const DatasetOptions &options, DocumentStore &store) {
  Expected<Sequence> sequence = reader.read(row, store.fileRows - 1);
  if (!sequence)
    return sequence.error();
  if (sequence->ids.empty()) {
    ++store.emptyRows;
    return Status::success();
  }
  return addDocument(store, *sequence, options, row.place);
}

/// Adds the numbers of a row, if it has become a document.
Status addNumbers(const RowReader &reader, const Row &row, const DatasetOptions &options, RecordStore &store) {
  if (options.numbers.empty())
    return Status::success();
  Expected<std::vector<double>> numbers = reader.readNumbers(row);
  if (!numbers)
    return numbers.error();
  for (size_t i = 0; i < numbers->size(); ++i)
    if (std::vector<double> &known = store.numbers[options.numbers[i]]; std::ssize(known) < store.size())
      known.push_back((*numbers)[i]);
  return Status::success();
}

} // namespace

std::optional<Format> parseFormat(std::string_view name) {
  for (const FormatName &format : formats)
    if (format.name == name)
      return format.format;
  return std::nullopt;
}

Expected<RecordStore> readDataset(const DatasetOptions &options, const text::TextCodec *codec) {
  if (Status status = checkFields(options); !status)
    return status.error();
  const RecordKind &kind = kindOf(options.format);
  DatasetOptions choices = options;
  bool isRecord = !kind.isOneText();
  if (isRecord)
    choices.promptLoss = 0; // a prompt is no part of the answer that is judged
  Expected<RowReader> reader = RowReader::create(choices, codec);
  if (!reader)
    return reader.error();
  if (options.path.ends_with(".txt"))
    return readPlainText(options, *reader);
  Expected<RowSource> source = RowSource::open(options.path);
  if (!source)
    return source.error();
  RecordStore store(kind);
  RecordReader records(*reader, choices);
  int64_t &rows = store.texts.front().fileRows;
  while (options.limit == 0 || rows < options.limit) {
    Expected<std::optional<Row>> row = source->next();
    if (!row)
      return row.error();
    if (!*row)
      break;
    if (++rows % watchedRows == 0 && options.watch)
      if (Status status = options.watch(fmt::format("{} rows", rows)); !status)
        return status.error();
    Status status = isRecord ? records.add(**row, store) : addRow(*reader, **row, options, store.texts.front());
    if (!status)
      return status.error();
    if (Status numbers = addNumbers(*reader, **row, choices, store); !numbers)
      return numbers.error();
  }
  if (Status status = records.finish(store); !status)
    return status.error();
  return store;
}

} // namespace ftc::runtime::data
