#include "intelligence/language/characters.h"

namespace weir::language {
namespace {

struct Decoded {
  char32_t character;
  size_t bytes;
};

// RFC 3629: shortest forms, no surrogates, at most U+10FFFF.
Decoded decode(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return {first, 1};
  const size_t length = first >= 0xC2 && first < 0xE0 ? 2 : first >= 0xE0 && first < 0xF0 ? 3 : first >= 0xF0 && first < 0xF5 ? 4 : 0;
  if (length == 0 || length > text.size()) return {0xFFFD, 1};
  char32_t value = first & (0xFFu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {0xFFFD, 1};
    value = (value << 6) | (byte(i) & 0x3F);
  }
  const bool shortest = length == 2 || (length == 3 ? value >= 0x800 : value >= 0x10000);
  if (!shortest || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {0xFFFD, 1};
  return {value, length};
}

// Pairs of traditional and simplified characters of the words of this field.
constexpr std::u32string_view kTraditional =
    U"識視時頻處延遲務費錢內訓練報個張臺擬轉碼雲遊戲數據庫網為嗎麼裡裏電綠貴寧廣東後點鐘兩萬億幾塊產實應項區"
    U"體測檢車輛門國際華灣選擇這那種類換減價預際節級別開動啟關閉結束刪應該給與從連續機組裝證過還沒會來們無"
    U"線帶寬傳輸質負載資訊碳環優壞請問題哪邊見風險確認運營圖樣書說話語譯對錯週詐騙偵兩單價漲擴縮緊鬆慢員頭攝錄製實學醫診療"
    U"廠礦園區鐵橋樓層燈號誌貨運達離遠親讓誰呢聽寫讀講評審計劃團隊專業職場買賣銀鋼";
constexpr std::u32string_view kSimplified =
    U"识视时频处延迟务费钱内训练报个张台拟转码云游戏数据库网为吗么里里电绿贵宁广东后点钟两万亿几块产实应项区"
    U"体测检车辆门国际华湾选择这那种类换减价预际节级别开动启关闭结束删应该给与从连续机组装证过还没会来们无"
    U"线带宽传输质负载资讯碳环优坏请问题哪边见风险确认运营图样书说话语译对错周诈骗侦两单价涨扩缩紧松慢员头摄录制实学医诊疗"
    U"厂矿园区铁桥楼层灯号志货运达离远亲让谁呢听写读讲评审计划团队专业职场买卖银钢";
static_assert(kTraditional.size() == kSimplified.size());

char32_t folded(char32_t c) {
  if (c >= 0xFF01 && c <= 0xFF5E) c -= 0xFEE0;  // full-width forms
  if (c >= U'A' && c <= U'Z') return c + 32;
  switch (c) {
    case 0x3000: case 0xA0: return U' ';
    case 0x3002: return U';';  // the Chinese full stop ends a wish as a semicolon does
    case 0x3001: return U',';
    case 0x2018: case 0x2019: return U'\'';
    case 0x201C: case 0x201D: case 0x300C: case 0x300D: return U'"';
    case 0x2013: case 0x2014: case 0x2212: return U'-';
    case 0xD7: return U'*';
    case 0xFFE5: return 0xA5;  // ¥
    default: break;
  }
  if (is_chinese(c)) {
    const size_t at = kTraditional.find(c);
    if (at != std::u32string_view::npos) return kSimplified[at];
  }
  return c;
}

}  // namespace

Characters fold(std::string_view text) {
  Characters out;
  out.text.reserve(text.size());
  out.at.reserve(text.size() + 1);
  for (size_t i = 0; i < text.size();) {
    const Decoded next = decode(text.substr(i));
    // A full-width comma parts what it stands between; another may group the digits of one number.
    const bool parts = next.character == 0xFF0C && !out.text.empty() && is_digit(out.text.back());
    out.text += parts ? kWideComma : folded(next.character);
    out.at.push_back(i);
    i += next.bytes;
  }
  out.at.push_back(text.size());
  for (size_t i = 1; i + 1 < out.text.size(); ++i) {
    if (out.text[i] != U'x' || !is_digit(out.text[i - 1])) continue;
    const bool few = i < 3 || !is_digit(out.text[i - 2]) || !is_digit(out.text[i - 3]);
    if (is_letter(out.text[i + 1]) || (few && is_digit(out.text[i + 1]))) out.text[i] = U'*';  // "8xA100", "2x4090", not "1920x1080"
  }
  return out;
}

}  // namespace weir::language
