#include "api/v1alpha1/fit.h"

#include <algorithm>
#include <utility>

#include "api/v1alpha1/fields.h"

namespace abo::api {
namespace {

void fit_object(json::object& object, std::string_view parent);

// A text of that many bytes has no more characters, which is what the schema counts.
void fit_text(json::string& text, std::int64_t longest) {
  if (!std::cmp_greater(text.size(), longest)) return;
  auto end = static_cast<std::size_t>(longest);
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  text.resize(end);
}

void fit_number(json::value& value, const Field& field) {
  std::int64_t& number = value.get_int64();
  if (field.min) number = std::max(number, *field.min);
  if (field.max) number = std::min(number, *field.max);
}

void fit_list(json::array& list, const Field& field) {
  if (field.max && std::cmp_greater(list.size(), *field.max))
    list.resize(static_cast<std::size_t>(*field.max));
  std::string items = std::string(field.path) + "[]";
  for (json::value& entry : list) {
    if (json::object* object = entry.if_object()) fit_object(*object, items);
  }
}

void fit(json::value& value, const Field& field) {
  if (json::string* text = value.if_string(); text && field.max) return fit_text(*text, *field.max);
  if (value.is_int64()) return fit_number(value, field);
  if (json::array* list = value.if_array()) return fit_list(*list, field);
  if (json::object* object = value.if_object(); object && field.type == FieldType::Object) {
    return fit_object(*object, field.path);
  }
}

void fit_object(json::object& object, std::string_view parent) {
  for (const Field* field : children(parent)) {
    if (json::value* value = object.if_contains(field->name())) fit(*value, *field);
  }
}

}  // namespace

void fit_status(json::object& status) {
  fit_object(status, "status");
}

}  // namespace abo::api
