#include "RowSource.h"

namespace ftc::runtime::data {

namespace {
constexpr size_t longestLine = size_t{64} << 20;
/// An array is read as a whole; larger files should have a row a line.
constexpr size_t largestArray = size_t{256} << 20;
constexpr std::string_view blanks = " \t\r\n";
} // namespace

Expected<RowSource> RowSource::open(const std::string &path) {
  Expected<MappedFile> mapping = MappedFile::open(path);
  if (!mapping)
    return mapping.error();
  RowSource source(std::move(*mapping));
  std::string_view text = source.file.text();
  size_t first = text.find_first_not_of(blanks);
  if (first == text.npos || text[first] != '[')
    return source;
  if (Status status = source.readArray(); !status)
    return status.error();
  return source;
}

Status RowSource::readArray() {
  isArray = true;
  if (file.text().size() > largestArray)
    return makeError(ExitStatus::Input, "{}: an array of more than {} bytes; write one row a line instead", file.path(),
                     largestArray);
  json::ParseOptions options;
  options.file = file.path();
  Expected<json::Value> value = parser.parse(file.text(), options);
  if (!value)
    return value.error();
  elements = *value->asArray();
  return Status::success();
}

Expected<std::optional<Row>> RowSource::next() {
  if (!isArray)
    return nextLine();
  if (element == elements.size())
    return std::optional<Row>();
  std::string place = fmt::format("{}: [{}]: ", file.path(), element);
  return std::optional<Row>(Row{std::move(elements[element++]), std::move(place)});
}

Expected<std::optional<Row>> RowSource::nextLine() {
  std::string_view text = file.text();
  while (position < text.size()) {
    size_t end = std::min(text.find('\n', position), text.size());
    std::string_view content = text.substr(position, end - position);
    position = end + 1;
    ++line;
    if (content.find_first_not_of(blanks) == content.npos)
      continue;
    if (content.size() > longestLine)
      return makeError(ExitStatus::Input, "{}:{}: a line of more than {} bytes", file.path(), line, longestLine);
    json::ParseOptions options;
    options.file = file.path();
    options.line = line;
    Expected<json::Value> value = parser.parse(content, options);
    if (!value)
      return value.error();
    return std::optional<Row>(Row{std::move(*value), fmt::format("{}:{}: ", file.path(), line)});
  }
  return std::optional<Row>();
}

} // namespace ftc::runtime::data
