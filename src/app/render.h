#pragma once

#include <google/protobuf/repeated_field.h>

#include <string>
#include <vector>

#include "app/table.h"
#include "weir/v1/service.pb.h"

// Answers of the brain as people read them.
namespace weir::app {

enum class Format { kTable, kWide, kJson, kYaml, kName };
// Of its text: what is wide may be as wide as it gets.
constexpr size_t width_of(Format format) { return format == Format::kWide ? 0 : kTableWidth; }

// The message inside, as a file would have it.
const google::protobuf::Message& inside(const v1::Resource& resource);
std::string json_text(const google::protobuf::Message& message);
std::string time_text(int64_t us);  // ISO 8601: "2026-11-20T12:04:05Z"
std::string credits(int64_t nanocredits, int64_t unit = 1000);  // rounded to so many nanocredits
std::string percent(int64_t used, int64_t total);               // "-": there is nothing to use
std::string bytes_text(uint64_t bytes);                         // "1.5MB"
std::string run_state(v1::RunState state);                      // "running"
// "kept" is what was measured to be; "-": nothing is promised, or nothing has been measured of what is not known to be "broken".
std::string promise_text(const v1::Intent& intent);
// As commands take it: of what is a tenant's with the tenant. What has no name is called by its number.
std::string name_of(const v1::Resource& item);

// A list of one kind. JSON: an array; YAML: documents; names: a line each, as commands take them.
std::string render(const std::string& kind, const google::protobuf::RepeatedPtrField<v1::Resource>& items, Format format);
std::string render_plan(const v1::PlanView& plan, Format format = Format::kTable, bool chinese = false);  // kTable or kWide
// What a dry run found: the plan, what the job would wait for, or why nothing satisfies it; nothing of what is not decided.
std::string render_dry_run(const v1::ApplyResult& result, bool chinese = false);  // the words around what the result says
std::string render_bill(const v1::BillResponse& bills, Format format);
// Where and when a run was that no plan holds any more, and how it ended.
std::string render_end(const v1::RunView& run);
// Of one subject. kTable or kWide.
std::string render_events(const std::vector<v1::EventView>& events, Format format = Format::kTable);
// One line, or one document.
std::string render_event(const v1::EventView& event, Format format);

}  // namespace weir::app
