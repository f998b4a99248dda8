#include "policies/redaction.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace unwedge::policies {
namespace {

/// Which keys are secret in a text, and where a bare value ends.
struct rules {
  std::string_view also;  ///< one more name
  bool words = false;     ///< values end at white space only
};

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.';
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool is_secret(std::string_view name, const rules& by) {
  constexpr std::array<std::string_view, 9> words{"password", "passwd", "passphrase", "pass",  "secret",
                                                  "key",      "token",  "psk",        "apikey"};
  const auto key = lower(name.substr(name.rfind('.') + 1));
  if (!by.also.empty() && key == by.also) return true;
  if (key == "password-secret" || key == "key-secret") return false;  // name an object, and are of use
  return std::ranges::any_of(words, [&](std::string_view w) {
    if (!key.ends_with(w)) return false;
    return key.size() == w.size() || key[key.size() - w.size() - 1] == '-' ||
           key[key.size() - w.size() - 1] == '_';
  });
}

bool is_switch(std::string_view value) {
  return value == "on" || value == "off" || value == "true" || value == "false" || value == "yes" ||
         value == "no";
}

/// Reads a text from left to right and writes it without its secrets.
class scanner {
 public:
  scanner(std::string_view text, rules by) : text_(text), by_(by) {}

  std::string run() {
    while (at_ < text_.size()) {
      if (text_.substr(at_).starts_with("://")) {
        authority();
      } else if (is_name_char(text_[at_])) {
        name();
      } else {
        out_ += text_[at_++];
      }
    }
    return std::move(out_);
  }

 private:
  bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }
  void copy_spaces() {
    while (next_is(' ')) out_ += text_[at_++];
  }
  /// The quotation mark at this place, with the backslashes in front of it; empty: there is none.
  std::string_view quote() const {
    const auto mark = text_.find_first_not_of('\\', at_);
    if (mark == text_.npos || text_[mark] != '"') return {};
    return text_.substr(at_, mark + 1 - at_);
  }
  void copy(std::size_t count) {
    out_ += text_.substr(at_, count);
    at_ += count;
  }

  void name() {
    const auto begin = at_;
    while (at_ < text_.size() && is_name_char(text_[at_])) ++at_;
    const auto key = text_.substr(begin, at_ - begin);
    out_ += key;
    if (!is_secret(key, by_)) return;
    if (next_is('=')) {
      copy(1);
      return bare_value();
    }
    copy(quote().size());
    copy_spaces();
    if (!next_is(':') || text_.substr(at_).starts_with("://")) return;
    copy(1);
    copy_spaces();
    if (const auto mark = quote(); !mark.empty()) {
      copy(mark.size());
      quoted_value(mark);
    } else if (at_ < text_.size() && is_name_char(text_[at_])) {
      bare_value();
    }
  }

  /// Up to the next quotation mark with as many backslashes: that is its end, whatever is escaped within it.
  void quoted_value(std::string_view mark) {
    out_ += redacted_mark;
    while (at_ < text_.size()) {
      const auto here = quote();
      if (here.empty()) {
        ++at_;
        continue;
      }
      if (here.size() <= mark.size()) return;
      at_ += here.size();
    }
  }

  /// QEMU doubles a comma that belongs to a value.
  void bare_value() {
    const auto begin = at_;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (by_.words ? c == ' ' : c == '}' || c == ']') break;
      if (by_.words || c != ',') continue;
      if (at_ + 1 >= text_.size() || text_[at_ + 1] != ',') break;
      ++at_;
    }
    const auto value = text_.substr(begin, at_ - begin);
    if (is_switch(value))
      out_ += value;
    else if (!value.empty())
      out_ += redacted_mark;
  }

  /// user:password@ (iSCSI in QEMU: user%password@).
  void authority() {
    copy(3);
    const auto end = std::min(text_.find_first_of("/\" \\?", at_), text_.size());
    const auto host = text_.substr(at_, end - at_).rfind('@');
    if (host == std::string_view::npos) return;
    const auto password = text_.substr(at_, host).find_first_of(":%");
    if (password == std::string_view::npos) return;
    copy(password + 1);
    out_ += redacted_mark;
    at_ += host - password - 1;
  }

  std::string_view text_;
  rules by_;
  std::size_t at_ = 0;
  std::string out_;
};

bool makes_secret(std::string_view text) {
  for (const auto* sign : {"qom-type\":\"secret", "qom-type\": \"secret", "qom-type=secret"}) {
    if (text.find(sign) != text.npos) return true;
  }
  return text.starts_with("secret,") || text.starts_with("secret_keyring,");
}

rules rules_after(std::string_view option) {
  if (option.starts_with("--")) option.remove_prefix(1);
  if (option == "-fw_cfg") return {.also = "string"};
  if (option == "-smbios") return {.also = "value"};
  return {.also = {}, .words = option == "-append"};
}

}  // namespace

std::string redacted(std::string_view text) {
  return scanner(text, {.also = makes_secret(text) ? "data" : ""}).run();
}

std::vector<std::string> redacted(const std::vector<std::string>& command_line) {
  std::vector<std::string> out;
  std::string_view option;
  for (const auto& argument : command_line) {
    auto by = rules_after(option);
    if (makes_secret(argument)) by.also = "data";
    out.push_back(scanner(argument, by).run());
    option = argument;
  }
  return out;
}

}  // namespace unwedge::policies
