# Writes OUT: a table of {path, text} for dray/base/embedded.h.
string(REPLACE "|" ";" files "${FILES}")
set(rows "")
set(count 0)
foreach(file ${files})
  file(READ ${file} text)
  file(RELATIVE_PATH path ${ROOT} ${file})
  string(APPEND rows "    {\"${path}\", R\"dray__(${text})dray__\"},\n")
  math(EXPR count "${count} + 1")
endforeach()
file(WRITE ${OUT} "#include \"dray/base/embedded.h\"\n\nnamespace dray {\nnamespace {\n
struct File { std::string_view path; std::string_view text; };
constexpr File kFiles[] = {\n    {\"\", \"\"},\n${rows}};\n}  // namespace\n
std::optional<std::string_view> EmbeddedFile(std::string_view path) {
  for (const File& file : kFiles)
    if (!path.empty() && file.path == path) return file.text;
  return std::nullopt;
}\n
std::vector<std::string_view> EmbeddedFiles(std::string_view prefix) {
  std::vector<std::string_view> found;
  for (const File& file : kFiles)
    if (!file.path.empty() && file.path.starts_with(prefix)) found.push_back(file.path);
  return found;
}\n
}  // namespace dray\n")
