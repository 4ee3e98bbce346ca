#pragma once

#include <cstddef>
#include <cstdint>

// Bounds of what an event may hold. The codec refuses anything beyond them; parsers of user input refuse it
// earlier and in the user's words. Producers of free text clip it (core/units/text.h).
namespace weir::limits {

inline constexpr size_t kNameBytesMax = 63;  // of a site, link, tenant, intent...
inline constexpr size_t kAddressBytesMax = 63;  // of an IP address or prefix in text
inline constexpr size_t kActorBytesMax = 256;
inline constexpr size_t kTextBytesMax = 1024;      // of a reason for people, a region, a version
inline constexpr size_t kArgumentBytesMax = 4096;  // of one argument of a command
inline constexpr size_t kArgumentsMax = 64;
inline constexpr size_t kResidencyLabelsMax = 16;
inline constexpr size_t kIngressesMax = 1'000;
inline constexpr size_t kSitesNamedMax = 1'000;  // in where.only, where.not, a data set's places
inline constexpr size_t kDatasetsNamedMax = 64;
inline constexpr size_t kIntentsNamedMax = 64;   // in where.near, and in where.apart_from
inline constexpr size_t kTaintsMax = 16;         // of a site
inline constexpr size_t kTaintsKnownMax = 64;    // of a domain, and tolerated by one intent
inline constexpr size_t kNodesReportedMax = 65'536;
inline constexpr size_t kPlacementsMax = 10'000;
inline constexpr size_t kFlowsMax = 20'000;
inline constexpr int32_t kInstancesBetweenMax = 256;  // of a job, with bandwidth reserved between them
inline constexpr size_t kPathLinksMax = 64;
inline constexpr size_t kAlternativesMax = 8;
inline constexpr size_t kReasonsMax = 8;

inline constexpr int64_t kBandwidthBpsMax = 1'000'000'000'000'000;  // 1 Pbit/s
inline constexpr int64_t kLatencyUsMax = 86'400'000'000;            // a day
inline constexpr int64_t kMoneyMax = 1'000'000'000'000'000'000;     // 1e9 credits
inline constexpr int32_t kCpuMilliMax = 1'000'000'000;              // a million cores
inline constexpr int32_t kStreamsMax = 1'000'000;
inline constexpr int64_t kPowerMwMax = 1'000'000'000'000;  // 1 GW
inline constexpr int64_t kCarbonMgPerKwhMax = 10'000'000;  // 10 kg
inline constexpr int64_t kGflopsMax = 1'000'000'000'000;       // 1e21 operations/s
inline constexpr int32_t kPueMilliMax = 10'000;
inline constexpr size_t kPolicySettingsMax = 16;
inline constexpr size_t kHoursPerDay = 24;
inline constexpr int32_t kHourRateMilliMax = 1'000'000;             // a thousand times
inline constexpr size_t kTasksMax = 100'000;                       // of an array
inline constexpr int32_t kPriorityMax = 1'000'000;
inline constexpr int64_t kRunTimeUsMax = 366 * kLatencyUsMax;       // a year
inline constexpr int64_t kQuotaMax = 1'000'000'000'000;             // a billion cores, an exbibyte
inline constexpr int32_t kWeightMilliMax = 1'000'000;
inline constexpr size_t kShadowPricesMax = 262'144;                // sites, and directions of links
// Of a workflow as a resource; the planner takes more.
inline constexpr size_t kStagesStoredMax = 100;
inline constexpr size_t kEdgesStoredMax = 1'000;
inline constexpr size_t kInputsStoredMax = 100;
inline constexpr size_t kTransfersStoredMax = kEdgesStoredMax + kStagesStoredMax * kInputsStoredMax;
inline constexpr size_t kOffersMax = 32;                            // of one dialogue, what was offered at once
inline constexpr size_t kWaysMax = 16;                             // to have one of them
inline constexpr size_t kPlacesSketchedMax = 64;
inline constexpr uint32_t kIdMax = 0x7fff'ffff;

}  // namespace weir::limits
