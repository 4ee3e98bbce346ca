// The messages of Weir's API in its JSON form: what has its default (0, "", false, an empty list) is left out, numbers of 64 bits are
// text, and bytes are base64. Made by scripts/generate-typescript from `weir openapi`; written by nobody.

export interface AddWebhookRequest {
  /** http or https; at most 2,048 bytes */
  url?: string;
  /** only these kinds: "PlanCommitted"; empty: all */
  names?: string[];
  /** only what concerns it; empty: the caller's own, for an operator all */
  tenant?: string;
  /** "whsec_" and base64 of 24 to 64 bytes; empty: one is drawn */
  secret?: string;
  /** position to begin at; 0: with the next event */
  from?: string;
}

export interface AddWebhookResponse {
  webhook?: Webhook;
  /** shown once */
  secret?: string;
}

export interface Alternative {
  reason?: Reason;
  /** nanocredits per hour */
  decisionPrice?: string;
  /** nanocredits */
  billedPerHour?: string;
  latencyUsPredicted?: string;
  path?: number[];
}

export interface AlternativeView {
  ingress?: string;
  site?: string;
  feasible?: boolean;
  /** in words: why it lost, by how much */
  reason?: string;
  hops?: string[];
}

export interface Amounts {
  /** "8" */
  cpu?: string;
  /** "16Gi" */
  memory?: string;
  accelerators?: number;
}

export interface ApplyRequest {
  /** 1 to 1,000 */
  resources?: Resource[];
  dryRun?: boolean;
  /** Of what is said for people in the answer: "en", which empty means, or "zh". */
  language?: string;
}

export interface ApplyResponse {
  /** in the order of the request */
  results?: ApplyResult[];
  /** of the graph that holds the change; of the basis in a dry run */
  version?: string;
}

export interface ApplyResult {
  kind?: string;
  name?: string;
  tenant?: string;
  /** "created", "changed", "unchanged" */
  action?: string;
  /** of an intent or a workflow */
  generation?: number;
  /** dry run of a feasible intent */
  plan?: PlanView;
  /** dry run of an infeasible one */
  refusal?: Refusal;
  /** of the refusal, in words */
  reasons?: string[];
  /** dry run of a job whose turn would not come yet */
  waiting?: Waiting;
  /** of the waiting, in words */
  why?: string;
}

export interface AskRequest {
  /** 1 to 32, the oldest first; the last is answered */
  dialogue?: Utterance[];
  /** for whom, or whose; empty: the caller's own, or the only one there is */
  tenant?: string;
  /** of the intent; empty: after the work */
  name?: string;
  /** of the speaker's clock; -64,800 to 64,800 */
  utcOffsetSeconds?: number;
  /** what is spoken about until a name is said. Begin a new dialogue with it after something was applied: what was */
  about?: IntentName;
  /** said before would be heard as said of what is stored now as if nothing was remembered */
  plain?: boolean;
}

export interface AskResponse {
  /** that was spoken: "en" or "zh" */
  language?: string;
  /** 1 to 8 */
  wishes?: Wish[];
  /** of the graph that was read */
  version?: string;
}

/** What one unit costs at a site. */
export interface Asks {
  /** nanocredits */
  perCoreHour?: string;
  /** nanocredits */
  perGibHour?: string;
  /** nanocredits */
  perAcceleratorHour?: string;
}

/** What nobody said. */
export interface Assumption {
  field?: string;
  value?: string;
  /** in the language that was spoken */
  text?: string;
  /** the past intent whose value it is; empty: the usual one */
  like?: string;
}

export interface Bill {
  tenant?: string;
  /** microseconds since the Unix epoch */
  from?: string;
  to?: string;
  lines?: BillLine[];
  total_nanocredits?: string;
  /** events that it was computed from */
  ledger_size?: string;
}

export interface BillLine {
  intent?: string;
  /** empty for network */
  site?: string;
  /** "core", "memory", "accelerator", "network" */
  item?: string;
  quantity_milli?: string;
  /** "core-hour" */
  unit?: string;
  price_nanocredits?: string;
  amount_nanocredits?: string;
  plan?: string;
}

export interface BillResponse {
  bills?: Bill[];
}

export interface CordonRequest {
  /** its number, or with `site` its name there */
  node?: string;
  site?: string;
  why?: string;
}

export interface CordonResponse {
  version?: string;
}

export interface Dataset {
  apiVersion?: string;
  kind?: string;
  metadata?: Metadata;
  spec?: Dataset.Spec;
}
export declare namespace Dataset {
  interface Spec {
    /** sites that hold it */
    at?: string[];
    residency?: string[];
  }
}

export interface DeleteRequest {
  kind?: string;
  name?: string;
  tenant?: string;
}

export interface DeleteResponse {
  version?: string;
}

/** Of one thing that was offered. */
export interface DialogueOutcome {
  /** as it was offered; taken: as it was applied */
  intent?: Intent;
  /** as the Wish had it */
  work?: string;
  /** kinds of strategies; at most 16 */
  offered?: string[];
  /** one of them; empty: none */
  taken?: string;
}

export interface DrainRequest {
  site?: string;
  why?: string;
}

export interface DrainResponse {
  version?: string;
}

/** A failure that a person can act on. */
export interface ErrorDetail {
  /** "invalid", "not-found", "conflict", "denied", "infeasible", "exhausted", "unavailable", "unsupported", "corrupt", "internal" */
  code?: string;
  what?: string;
  where?: string;
  remedy?: string;
}

export interface Estimate {
  billedPerHourNanocredits?: string;
  /** predicted, of the slowest stream; 0: it has none */
  latencyUs?: string;
  powerMw?: string;
  carbonMgPerHour?: string;
  /** 0: unknown */
  availabilityPpm?: number;
  instances?: number;
  sites?: string[];
}

export interface EventView {
  position?: string;
  at?: string;
  actor?: string;
  /** "PlanCommitted" */
  name?: string;
  /** whom it concerns; empty: nobody in particular */
  tenant?: string;
  /** "intent/cameras", "site/metro" */
  subject?: string;
  /** one line for people */
  text?: string;
  /** as stored: a weir.v1.Event; only for those who may read it */
  record?: string;
}

export interface ExplainRequest {
  intent?: string;
  tenant?: string;
  /** only the streams of this site; empty: all */
  ingress?: string;
  /** Fields of its spec that would be otherwise, "schedule.deadline=+2h" or, where one field has the name, "deadline=+2h". Decided on a copy, without effect; at most 16. */
  whatIf?: string[];
  /** instead of an intent; without ingress and what_if */
  workflow?: string;
  /** Of what is said for people in the answer: "en", which empty means, or "zh". */
  language?: string;
}

export interface ExplainResponse {
  /** for people */
  text?: string;
  plan?: PlanView;
  refusal?: Refusal;
  reasons?: string[];
  version?: string;
  /** with what_if: as it is */
  now?: Outlook;
  /** and as it would be */
  whatIf?: Outlook;
  /** of a workflow: the resource with its status */
  workflow?: Workflow;
}

/** A metered value with where it comes from. */
export interface Figure {
  /** "fp64" */
  name?: string;
  /** "Mflop/s" */
  unit?: string;
  value?: string;
  method?: string;
  version?: string;
  repeats?: number;
  /** (largest - smallest) / median */
  spread_ppm?: string;
}

export interface Flow {
  ingress?: number;
  placement?: number;
  streams?: number;
  upBps?: string;
  downBps?: string;
  path?: number[];
  protection?: number[];
  /** nanocredits */
  pathPerHour?: string;
  latencyUsPredicted?: string;
  latencyUsPath?: string;
  latencyUsSerialisation?: string;
  latencyUsWork?: string;
  latencyUsQueueing?: string;
  labelWorking?: number;
  labelProtection?: number;
}

export interface FlowView {
  ingress?: string;
  site?: string;
  /** links */
  path?: string[];
  /** links */
  protection?: string[];
  /** sites and routers along the path, both ends included */
  hops?: string[];
  on_protection?: boolean;
  /** "srv6" or "plain" */
  driver?: string;
  /** What was steered over its paths and left their two ends, as these count it, since they were installed. Packets before encapsulation; probes are left out. Counted anew where a site's network is. */
  counted?: boolean;
  /** from the ingress */
  sent_packets?: string;
  sent_bytes?: string;
  returned_packets?: string;
  returned_bytes?: string;
}

export interface GetResponse {
  resource?: Resource;
  /** of the graph that was read */
  version?: string;
}

export interface Intent {
  apiVersion?: string;
  kind?: string;
  metadata?: Metadata;
  spec?: Intent.Spec;
  status?: Intent.Status;
}
export declare namespace Intent {
  interface Budget {
    /** credits */
    max?: string;
    /** "hour", "day" or "month" */
    per?: string;
  }
  interface From {
    site?: string;
    streams?: number;
  }
  interface Instance {
    artifact?: string;
    digest?: string;
    command?: string[];
    port?: number;
    /** "0.3", "300m" */
    cpu?: string;
    /** "256Mi" */
    memory?: string;
    accelerators?: number;
    accelerator_model?: string;
    streams_per_instance?: number;
    /** of one device: "0.5" */
    accelerator_share?: string;
    /** "8Gi": that each device must have, or that is reserved of the shared one */
    accelerator_memory?: string;
    /** of each device, at least: "100" */
    accelerator_fp16_tflops?: string;
    /** all of an instance in one island of its node */
    accelerators_linked?: boolean;
    /** Of a job: it runs in what others have reserved and do not use, and makes way when they do. */
    best_effort?: boolean;
  }
  interface Load {
    /** "2Mbps" */
    up?: string;
    /** "50kbps" */
    down?: string;
    /** "2", "0.5" */
    requests_per_second?: string;
    /** "30ms@reference-core" */
    work_per_request?: string;
    /** "200Mbps": each instance of a job with all the others together, each way */
    between?: string;
  }
  interface Places {
    residency?: string[];
    only?: string[];
    not?: string[];
    /** at least so many different sites */
    sites?: number;
    regions?: number;
    failure_domains?: number;
    /** intents, each of which has an instance there */
    near?: string[];
    /** intents, none of which has one there */
    apart_from?: string[];
    /** all of the intent's data lies there */
    at_data?: boolean;
    /** taints */
    tolerates?: string[];
    /** of a core there: "1.5", of the reference core */
    speed_min?: string;
    /** all instances in one rack */
    same_rack?: boolean;
  }
  interface Preference {
    /** "1" */
    cost?: string;
    /** "0.5" */
    carbon?: string;
  }
  interface Promised {
    /** "500ms" */
    latency?: string;
    /** "99" */
    percentile?: string;
    /** "99.9%" */
    availability?: string;
  }
  interface Spec {
    from?: Intent.From[];
    workload?: Intent.Work;
    promise?: Intent.Promised;
    where?: Intent.Places;
    prefer?: Intent.Preference;
    budget?: Intent.Budget;
    /** data sets */
    data?: string[];
    /** of a job */
    schedule?: Intent.Timing;
  }
  interface Status {
    /** "pending", "waiting", "placed", "running", "refused", "finished", "failed", "withdrawn" */
    state?: string;
    why?: string;
    /** that the state is about */
    generation?: number;
    has_plan?: boolean;
    /** position of the active plan */
    plan?: string;
    /** asked for */
    instances?: number;
    instances_running?: number;
    promise_kept?: boolean;
    latency_us_predicted?: string;
    /** at the promised percentile, last window */
    latency_us_measured?: string;
    samples?: string;
    misses?: string;
    lost?: string;
    billed_per_hour_nanocredits?: string;
    service_address?: string;
    service_port?: number;
    /** of a job that waits for its turn */
    waiting?: Waiting;
    /** of a job: microseconds since the Unix epoch; 0: not yet */
    started?: string;
    /** of a job, since it was described last */
    preemptions?: number;
    /** the last of them */
    preempted?: Preemption;
    /** jobs that give way to it, or did */
    preempts?: Preemption[];
    /** of an array; `waiting` is then that of its next task */
    tasks?: Intent.Tasks;
    /** of a task: the name of its array */
    array?: string;
    /** its index in it */
    task?: number;
    /** of a job: the mean of the last two like it; 0: not known */
    predicted_run_us?: string;
    /** of a job: what its queue goes by; 0: not known */
    expected_run_us?: string;
  }
  /** Tasks of an array: together they are all of them. */
  interface Tasks {
    waiting?: number;
    running?: number;
    finished?: number;
    /** ended otherwise */
    failed?: number;
    /** that will not begin any more */
    withdrawn?: number;
    /** of the last, in microseconds since the Unix epoch, if as many run as now; 0: not foreseen */
    estimated_end?: string;
  }
  /** When a job runs, and before whom. */
  interface Timing {
    /** none: the domain's */
    queue?: string;
    /** class; a higher one goes first */
    priority?: number;
    /** begin together or not at all */
    instances?: number;
    /** as estimated: "2h" */
    run_time?: string;
    /** it is ended then */
    run_time_max?: string;
    /** "2026-11-22T18:00:00+08:00" */
    not_before?: string;
    deadline?: string;
    /** of the tenant, which it runs in */
    reservation?: string;
    /** more than that is not lost when it is preempted */
    checkpoint_every?: string;
    /** an array of so many, each a job */
    tasks?: number;
    /** It begins with so many of the instances, if there is no room for more, and has more or fewer as room comes and goes. */
    instances_min?: number;
    /** it may begin so much later, where that is cheaper: "8h" */
    start_slack?: string;
  }
  interface Work {
    /** one of service and job */
    service?: Intent.Instance;
    job?: Intent.Instance;
    traffic?: Intent.Load;
  }
}

export interface IntentName {
  tenant?: string;
  name?: string;
}

export interface IssueTokenRequest {
  /** lets one agent join `subject`, a site, once */
  join?: boolean;
  /** of a user's token */
  role?: Role;
  /** site, tenant or operator name */
  subject?: string;
  /** 0: one hour to join, 30 days for a user */
  lifetimeUs?: string;
}

export interface IssueTokenResponse {
  /** public identifier, for revocation */
  token?: string;
  /** the secret: shown once, never stored */
  bearer?: string;
  expires?: string;
  /** an agent checks the brain's certificate authority against it */
  ca_sha256?: string;
}

/** RFC 6962, section 2.1. */
export interface LedgerHeadResponse {
  size?: string;
  rootSha256?: string;
  /** records that are durable; may be more than `size` by those not hashed yet */
  durable?: string;
}

export interface LedgerProofResponse {
  position?: string;
  size?: string;
  rootSha256?: string;
  /** the leaf's bytes, for those who may read them */
  record?: string;
  leafSha256?: string;
  auditPath?: string[];
  consistencyPath?: string[];
}

export interface Link {
  apiVersion?: string;
  kind?: string;
  metadata?: Metadata;
  spec?: Link.Spec;
  status?: Link.Status;
}
export declare namespace Link {
  /** Of one direction. */
  interface Direction {
    up?: boolean;
    why?: string;
    bandwidth_bps_reserved?: string;
    latency_us?: string;
    jitter_us?: string;
    loss_ppm?: number;
    measured?: boolean;
    scarcity_per_gbps_hour_nanocredits?: string;
  }
  interface Spec {
    /** two names of sites or routers */
    between?: string[];
    /** "1Gbps", each way */
    rate?: string;
    /** one way; or */
    delay?: string;
    /** of fibre: "1200km" */
    distance?: string;
    jitter?: string;
    /** "0.01%" */
    loss?: string;
    /** "99.9%" */
    availability?: string;
    /** credits per Gbit/s-hour, each direction */
    price?: string;
    steerable?: boolean;
    /** of an emulated link: what the sender's buffer holds, as time at the full rate */
    queue?: string;
    /** SRv6 SIDs (End.X) that send over this link, one for each end; "": none */
    sids?: string[];
  }
  /** Directions that the caller may not see are absent. */
  interface Status {
    /** "up", "down", "half" (one direction) */
    state?: string;
    bandwidth_bps?: string;
    /** from the first end to the second */
    forward?: Link.Direction;
    backward?: Link.Direction;
    /** of the forward direction; backward is id + 1 */
    id?: number;
    steerable?: boolean;
    /** not steerable: why */
    paths_why?: string;
  }
}

export interface ListResponse {
  items?: Resource[];
  /** empty: the last page */
  nextPageToken?: string;
  version?: string;
}

export interface ListWebhooksResponse {
  webhooks?: Webhook[];
  /** where the ledger ends now */
  version?: string;
}

export interface LogsResponse {
  /** of the first byte */
  offset?: string;
  data?: string;
  /** the run has ended and nothing follows */
  complete?: boolean;
}

export interface Metadata {
  name?: string;
  /** of intents, workflows, data sets and reservations */
  tenant?: string;
  labels?: Record<string, string>;
  /** set by the brain */
  generation?: number;
}

export interface NodeSpec {
  name?: string;
  cpuMilli?: number;
  memoryMib?: number;
  accelerators?: number;
  acceleratorModel?: string;
  /** 1000 = the reference core */
  speedMilli?: number;
  /** of each; 0: unknown */
  acceleratorMemoryMib?: number;
  /** of each; 0: unknown */
  acceleratorFp16Gflops?: string;
  /** that reach each other fast, such as over NVLink; 0: all of the node */
  acceleratorsPerIsland?: number;
  /** equal parts that shares of a device are made of (MIG), at most 31; 0: any share */
  acceleratorSlices?: number;
  /** of the site; empty: unknown */
  rack?: string;
}

export interface NodeView {
  id?: number;
  site?: string;
  spec?: NodeSpec;
  cpu_milli_free?: number;
  memory_mib_free?: number;
  accelerators_free?: number;
  metering?: Figure[];
  /** takes nothing new */
  cordoned?: boolean;
  /** in the node's order */
  devices?: NodeView.Device[];
  /** Of best-effort work: what it has, and what more it may take. Below 0 so much of it has to make way. */
  cpu_milli_best_effort?: string;
  memory_mib_best_effort?: string;
  cpu_milli_spare?: number;
  memory_mib_spare?: number;
}
export declare namespace NodeView {
  /** What is free of one accelerator. */
  interface Device {
    /** thousandths of it */
    milli_free?: number;
    /** 0: none, or unknown */
    memory_mib_free?: number;
  }
}

/** A provider's asks for a site; replaces those in the site's own description. */
export interface Offer {
  apiVersion?: string;
  kind?: string;
  metadata?: Metadata;
  spec?: Offer.Spec;
}
export declare namespace Offer {
  interface Spec {
    site?: string;
    asks?: Prices;
  }
}

/** What an intent is, or would be. */
export interface Outlook {
  state?: string;
  why?: string;
  waiting?: Waiting;
  /** of its plan */
  sites?: string[];
  billed_per_hour_nanocredits?: string;
  latency_us_predicted?: string;
  /** no plan satisfies it */
  reasons?: string[];
}

/** Something that was offered or judged before, and what came of it. */
export interface PastCase {
  /** that came of it; its name is empty where nothing did */
  intent?: IntentName;
  /** microseconds since the Unix epoch */
  at?: string;
  /** of its dialogue: "taken", "declined", "left" */
  end?: string;
  /** that was taken; empty: it is not known */
  strategy?: string;
  /** to what is asked now */
  likenessPermille?: number;
  /** "planned", "finished", "failed", "ended", "refused", "waiting", "changed" since; empty: no intent */
  state?: string;
  /** of its newest plan; 0: it had none */
  billedPerHourNanocredits?: string;
  /** of its promise */
  samples?: string;
  /** of them: answered too late, or never */
  missed?: string;
  /** "good", "bad"; empty: none */
  verdict?: string;
  /** what is bad about it */
  because?: string;
  /** all of this, in the language that was spoken */
  text?: string;
}

export interface Place {
  /** degrees, north positive: "30.2741" */
  latitude?: string;
  /** degrees, east positive */
  longitude?: string;
}

export interface Placement {
  site?: number;
  node?: number;
  cpuMilli?: number;
  memoryMib?: number;
  accelerators?: number;
  streams?: number;
  asks?: Asks;
  /** absent: a new run starts */
  continues?: RunId;
  /** of one device; 0: whole devices */
  acceleratorMilli?: number;
  /** of the shared device */
  acceleratorMemoryMib?: number;
  /** bit d: device d of the node */
  devices?: string;
  /** it holds nothing that ordinary work could not have */
  bestEffort?: boolean;
}

export interface PlacementView {
  item?: number;
  site?: string;
  node?: string;
  /** of its run */
  state?: string;
}

export interface Plan {
  intent?: number;
  generation?: number;
  basis?: string;
  placements?: Placement[];
  flows?: Flow[];
  /** nanocredits */
  billedPerHour?: string;
  /** nanocredits per hour */
  decisionPrice?: string;
  powerMw?: string;
  carbonMgPerHour?: string;
  availabilityPpm?: number;
  quality?: Quality;
  /** nanocredits per hour */
  bound?: string;
  steps?: string;
  pricePolicy?: number;
  reason?: Reason;
  alternatives?: Alternative[];
}

export interface PlanView {
  /** of its PlanCommitted; none in a dry run */
  position?: string;
  committed?: boolean;
  tenant?: string;
  intent?: string;
  /** "active", "retiring", "proposed" */
  state?: string;
  placements?: PlacementView[];
  flows?: FlowView[];
  /** the decision itself, with identifiers */
  value?: Plan;
  /** in words */
  reason?: string;
  alternatives?: AlternativeView[];
}

/** A rule by which a queue orders its jobs. */
export interface PolicyView {
  name?: string;
  about?: string;
  /** the order of two waiting jobs may change as time goes by */
  ages?: boolean;
  parameters?: PolicyView.Parameter[];
}
export declare namespace PolicyView {
  interface Parameter {
    name?: string;
    about?: string;
    /** unless set */
    value?: string;
    low?: string;
    high?: string;
  }
}

/** A job that gave up what it held to another, and waits or waited again. */
export interface Preemption {
  /** the other: "tenant/name", or only that it is another tenant's */
  job?: string;
  /** microseconds since the Unix epoch */
  at?: string;
  /** where the room was made */
  site?: string;
  /** what its queue borrowed beyond its guarantee */
  reclaims?: boolean;
  /** of its work, at most */
  lost_us?: string;
  cost_nanocredits?: string;
}

export interface PriceView {
  /** "core", "gib", "accelerator", "gbps", "carbon" */
  resource?: string;
  /** or */
  site?: string;
  link?: string;
  /** "core-hour" */
  unit?: string;
  ask_nanocredits?: string;
  scarcity_nanocredits?: string;
  carbon_nanocredits?: string;
  utilisation_ppm?: number;
  /** the caller may not see the utilisation */
  restricted?: boolean;
  /** of jobs that begin now */
  job_ask_nanocredits?: string;
}

/** What one unit costs, in credits: "0.04". */
export interface Prices {
  core_hour?: string;
  gib_hour?: string;
  accelerator_hour?: string;
  /** times the others, for best-effort work: "0.3" */
  best_effort?: string;
}

/** Problem details (RFC 9457). By code the status is: invalid 400 (405, 406, 413, 422 and 431 where they say more), denied 401 without a good token and otherwise 403, not-found 404, conflict 409 (412 where it says more), infeasible 422, exhausted 429, unsupported 501, unavailable 503, corrupt and internal 500. */
export interface Problem {
  type: "about:blank";
  /** The reason phrase of the status */
  title: string;
  status: number;
  /** where, what and remedy in one line */
  detail: string;
  /** "invalid", "not-found", "conflict", "denied", "infeasible", "exhausted", "unavailable", "unsupported", "corrupt", "internal" */
  code: string;
  what?: string;
  where?: string;
  remedy?: string;
}

export type Quality = "QUALITY_UNSPECIFIED" | "QUALITY_EXACT" | "QUALITY_BOUNDED" | "QUALITY_HEURISTIC";

export interface Question {
  field?: string;
  /** in the language that was spoken */
  text?: string;
  /** until it is answered */
  assumed?: string;
}

/** Jobs that share what is theirs. Queues form a tree below the queue "domain", which needs no description. */
export interface Queue {
  apiVersion?: string;
  kind?: string;
  metadata?: Metadata;
  spec?: Queue.Spec;
  status?: Queue.Status;
}
export declare namespace Queue {
  interface Spec {
    /** none: the domain's */
    parent?: string;
    /** "2"; among its siblings */
    weight?: string;
    guaranteed?: Amounts;
    /** of what is left out no bound */
    maximum?: Amounts;
    /** as 'weir get policies' names it; none: the parent's */
    policy?: string;
    /** of the policy, whole numbers */
    settings?: Record<string, string>;
    /** "none", "easy" or "conservative"; of the queue "domain" alone */
    backfill?: string;
    /** after which past use counts half: "24h" */
    half_life?: string;
    /** of one tenant */
    submissions_per_hour?: number;
    /** of its jobs */
    priority_max?: number;
    /** from history, rather than to take what jobs say */
    predict_run_times?: boolean;
  }
  /** Amounts of a queue include those of all below it. */
  interface Status {
    /** that it goes by */
    policy?: string;
    /** of the domain */
    backfill?: string;
    use?: Queue.Use;
    /** with jobs in it; of other tenants only for who may see them */
    tenants?: Queue.TenantUse[];
  }
  interface TenantUse {
    tenant?: string;
    use?: Queue.Use;
  }
  interface Use {
    /** dominant share of the domain in use */
    share_ppm?: string;
    /** that it is due, given what everybody wants */
    entitlement_ppm?: string;
    cpu_milli?: string;
    memory_mib?: string;
    /** rounded up */
    accelerators?: string;
    jobs_running?: string;
    jobs_waiting?: string;
    /** 0: none waits */
    oldest_wait_us?: string;
    /** that the jobs which run or wait have suffered */
    preemptions?: string;
    /** thousandths of accelerators */
    accelerator_milli?: string;
  }
}

export interface RateRequest {
  intent?: string;
  /** empty: the caller's own */
  tenant?: string;
  /** "good" or "bad" */
  verdict?: string;
  /** bad: "slow", "dear", "dirty", "unreliable", "other"; empty: unsaid */
  because?: string;
  /** at most 512 bytes */
  comment?: string;
}

export interface RateResponse {
  version?: string;
  /** of the intent that was judged */
  generation?: number;
  /** false: it was judged so already */
  changed?: boolean;
}

export interface Reason {
  code?: ReasonCode;
  site?: number;
  ingress?: number;
  /** signed */
  needed?: string;
  /** signed */
  available?: string;
}

export type ReasonCode = "REASON_CODE_UNSPECIFIED" | "REASON_CODE_NONE" | "REASON_CODE_CHOSEN" | "REASON_CODE_PRICE" | "REASON_CODE_FORBIDDEN" | "REASON_CODE_RESIDENCY" | "REASON_CODE_SITE_NOT_UP" | "REASON_CODE_CPU" | "REASON_CODE_MEMORY" | "REASON_CODE_ACCELERATORS" | "REASON_CODE_NO_PATH" | "REASON_CODE_BANDWIDTH" | "REASON_CODE_LATENCY" | "REASON_CODE_OVERLOAD" | "REASON_CODE_AVAILABILITY" | "REASON_CODE_BUDGET" | "REASON_CODE_SPREAD" | "REASON_CODE_INGRESS_DOWN" | "REASON_CODE_SEARCH_BUDGET" | "REASON_CODE_STEERING" | "REASON_CODE_RESTARTING" | "REASON_CODE_TOGETHER" | "REASON_CODE_CONSOLIDATED" | "REASON_CODE_REROUTED" | "REASON_CODE_ACCELERATOR_SHARE" | "REASON_CODE_ACCELERATOR_MEMORY" | "REASON_CODE_REGIONS" | "REASON_CODE_FAILURE_DOMAINS" | "REASON_CODE_TAINT" | "REASON_CODE_AFFINITY" | "REASON_CODE_ANTI_AFFINITY" | "REASON_CODE_DATA_ELSEWHERE" | "REASON_CODE_SPEED" | "REASON_CODE_ACCELERATORS_LINKED" | "REASON_CODE_RACK";

export interface RecordDialogueRequest {
  /** empty: the caller's own */
  tenant?: string;
  /** 1 to 32, the oldest first; the first 1,024 bytes of all together are kept */
  said?: string[];
  /** "en" or "zh" */
  language?: string;
  /** "taken", "declined", "left" */
  end?: string;
  /** 1 to 32 */
  outcomes?: DialogueOutcome[];
}

export interface RecordDialogueResponse {
  version?: string;
  /** false: nothing is learnt here, as the operator wishes */
  recorded?: boolean;
}

export interface Refusal {
  intent?: number;
  generation?: number;
  basis?: string;
  reasons?: Reason[];
}

/** What becomes of a strategy in the next hours: the loop itself ran them in virtual time, from the graph as it is, with the batch work that is expected to come. */
export interface Rehearsal {
  /** that was to be rehearsed */
  windowUs?: string;
  /** that was; less than the window where so much happens in it that the rest was left out */
  reachedUs?: string;
  /** of batch work: "yesterday", as a day before; "rate", as often as it came so far; "none", too little is known */
  forecast?: string;
  /** jobs and arrays that came by it */
  arrivals?: number;
  /** within what was reached */
  starts?: boolean;
  /** until all its instances run, from now */
  startsAfterUs?: string;
  /** of a job: within what was reached */
  ends?: boolean;
  endsAfterUs?: string;
  /** for what was reached */
  billedNanocredits?: string;
  /** to other sites, once it had started */
  moves?: number;
  /** times that it gave way to others */
  preemptions?: number;
  /** once it had started: with fewer instances than planned */
  shortUs?: string;
  /** other jobs, whosever they are, that start later than without it, or only after what was reached */
  othersLater?: number;
  /** the most that one of them does, at least: what was reached ends it */
  othersLaterUs?: string;
  /** other jobs that give way more often than without it */
  othersPreempted?: number;
  /** that was lost half way in a second run: where most instances stood; empty: none was */
  lostSite?: string;
  /** after that: all its instances ran again, within what was reached */
  repaired?: boolean;
  repairedAfterUs?: string;
  /** why there is nothing of the above but the window */
  problem?: string;
}

export interface RemoveWebhookResponse {
}

/** Room at a site that is kept for a window of time, for the jobs of a tenant that name it. */
export interface Reservation {
  apiVersion?: string;
  kind?: string;
  metadata?: Metadata;
  spec?: Reservation.Spec;
  status?: Reservation.Status;
}
export declare namespace Reservation {
  interface Spec {
    site?: string;
    amount?: Amounts;
    /** "2026-11-22T18:00:00+08:00" */
    from?: string;
    to?: string;
    /** site; bandwidth is kept between it and the site */
    ingress?: string;
    /** "2Gbps", towards the site */
    up?: string;
    down?: string;
  }
  interface Status {
    /** "planned", "open", "over", "cancelled" */
    state?: string;
    /** links on which bandwidth is kept, from the ingress to the site */
    path?: string[];
  }
}

/** Any of them, for lists. */
export interface Resource {
  intent?: Intent;
  site?: Site;
  router?: Router;
  link?: Link;
  dataset?: Dataset;
  offer?: Offer;
  tenant?: Tenant;
  plan?: PlanView;
  run?: RunView;
  node?: NodeView;
  event?: EventView;
  price?: PriceView;
  bill?: Bill;
  token?: TokenView;
  queue?: Queue;
  reservation?: Reservation;
  policy?: PolicyView;
  workflow?: Workflow;
}

export interface RevokeSiteRequest {
  site?: string;
  why?: string;
}

export interface RevokeSiteResponse {
  version?: string;
}

export interface RevokeTokenResponse {
  version?: string;
}

export type Role = "ROLE_UNSPECIFIED" | "ROLE_OPERATOR" | "ROLE_PROVIDER" | "ROLE_TENANT";

export interface Router {
  apiVersion?: string;
  kind?: string;
  metadata?: Metadata;
  spec?: Router.Spec;
  status?: Router.Status;
}
export declare namespace Router {
  interface Spec {
    place?: Place;
  }
  interface Status {
    vertex?: number;
  }
}

/** One attempt of one instance: the position of its PlanCommitted, and the placement's index there. */
export interface RunId {
  plan?: string;
  item?: number;
}

export type RunState = "RUN_STATE_UNSPECIFIED" | "RUN_STATE_PLANNED" | "RUN_STATE_STARTING" | "RUN_STATE_RUNNING" | "RUN_STATE_STOPPING" | "RUN_STATE_EXITED" | "RUN_STATE_FAILED" | "RUN_STATE_LOST";

export interface RunView {
  id?: RunId;
  tenant?: string;
  intent?: string;
  site?: string;
  node?: string;
  state?: RunState;
  exit_code?: number;
  why?: string;
  epoch?: string;
  /** microseconds since the Unix epoch; 0: not yet */
  started?: string;
  cpu_us?: string;
  memory_mib_seconds?: string;
  received_bytes?: string;
  sent_bytes?: string;
  energy_microjoule?: string;
  address?: string;
  port?: number;
  streams?: number;
  /** microseconds since the Unix epoch; 0: not yet */
  ended?: string;
  /** compute and paths, at frozen asks */
  billed_per_hour_nanocredits?: string;
  /** no plan holds it any more: this is what the ledger tells of it */
  past?: boolean;
}

export interface Site {
  apiVersion?: string;
  kind?: string;
  metadata?: Metadata;
  spec?: Site.Spec;
  status?: Site.Status;
}
export declare namespace Site {
  /** Of an emulated site. The capacity of a real one is what its agent reports. */
  interface Capacity {
    /** "0.35" */
    cpu?: string;
    /** "1Gi" */
    memory?: string;
  }
  interface Energy {
    /** "4W" */
    idle_per_core?: string;
    /** "12W" */
    peak_per_core?: string;
    /** "1.25" */
    pue?: string;
    /** of the grid: "0.4974kgCO2/kWh" */
    carbon?: string;
  }
  /** What jobs pay that begin in these hours, for as long as they run. */
  interface Hours {
    /** whole hours: "22:00-06:00", in UTC, or "22:00-06:00+08:00" */
    between?: string;
    /** times the asks: "0.6" */
    asks?: string;
    /** times the carbon of the grid: "0.8" */
    carbon?: string;
  }
  /** The data plane of the site. */
  interface Network {
    /** IPv6 prefix of its instances: "fd77:1:1:3::/64" */
    prefix?: string;
    /** SRv6 SID that ends a path here (End.DX6 or End.DT6) */
    sid?: string;
  }
  interface Spec {
    region?: string;
    /** "cloud", "edge", "end" */
    tier?: string;
    residency?: string[];
    place?: Place;
    asks?: Prices;
    power?: Site.Energy;
    /** "99.9%" */
    availability?: string;
    steerable?: boolean;
    capacity?: Site.Capacity;
    network?: Site.Network;
    /** what fails as one */
    failure_domain?: string;
    taints?: string[];
    hours?: Site.Hours[];
  }
  interface Status {
    /** "unknown", "up", "draining", "down" */
    state?: string;
    why?: string;
    nodes?: number;
    cpu_milli_total?: string;
    cpu_milli_free?: string;
    memory_mib_total?: string;
    memory_mib_free?: string;
    accelerators_total?: string;
    /** whole ones */
    accelerators_free?: string;
    runs?: number;
    /** "local", "slurm", "kubernetes", "peer" */
    driver?: string;
    /** "cgroup-v1" */
    isolation?: string;
    /** "srv6", or "plain" with the reason in paths_why */
    paths?: string;
    paths_why?: string;
    agent_version?: string;
    heard_us_ago?: string;
    id?: number;
    /** the caller may not see what is free or used, and by whom */
    restricted?: boolean;
    /** thousandths, of all devices */
    accelerator_milli_free?: string;
  }
}

export interface SiteSearch {
  /** empty: all */
  names?: string[];
  /** else the cheapest */
  cleanestFirst?: boolean;
}

/** A way to have what is wanted, decided on the same graph. The first is as asked, if that is possible. */
export interface Strategy {
  /** "asked", "fastest", "cleanest", "safest"; where nothing satisfies what was asked: "slower", "dearer", "elsewhere" */
  kind?: string;
  /** in the language that was spoken */
  title?: string;
  /** of the intent: "promise.latency=120ms" */
  changes?: string[];
  intent?: Intent;
  estimate?: Estimate;
  /** why this one is, by what is remembered, in the language that was spoken; empty: it is not. At most one is */
  suggested?: string;
  /** absent: nothing was rehearsed */
  rehearsal?: Rehearsal;
}

export interface Tenant {
  apiVersion?: string;
  kind?: string;
  metadata?: Metadata;
  spec?: Tenant.Spec;
  status?: Tenant.Status;
}
export declare namespace Tenant {
  interface Spec {
  }
  interface Status {
    intents?: number;
    billed_per_hour_nanocredits?: string;
  }
}

/** A token without its secret, which nobody keeps. */
export interface TokenView {
  /** public identifier */
  token?: string;
  /** lets an agent join, once */
  join?: boolean;
  /** of a user's */
  role?: Role;
  /** site, tenant, sites or operator name */
  subject?: string;
  /** microseconds since the Unix epoch */
  issued?: string;
  /** 0: never */
  expires?: string;
  /** 0: not yet; of join tokens */
  used?: string;
  used_by?: string;
  /** "good", "used", "expired", "revoked" */
  state?: string;
}

export interface UncordonRequest {
  node?: string;
  site?: string;
}

export interface UncordonResponse {
  version?: string;
}

export interface Understood {
  /** "latency" */
  field?: string;
  /** in the language that was spoken */
  label?: string;
  /** "500ms" */
  value?: string;
  /** of the text; empty: it follows from other fields */
  words?: string;
  /** of the words in the text, in bytes */
  begin?: number;
  end?: number;
  confidencePermille?: number;
}

export interface UndrainRequest {
  site?: string;
}

export interface UndrainResponse {
  version?: string;
}

export interface Utterance {
  /** 1 to 4,096 bytes */
  text?: string;
  /** when it was said; 0: now */
  unixSeconds?: string;
}

/** Where a waiting job stands. Times in microseconds since the Unix epoch. */
export interface Waiting {
  /** "domain": it names none */
  queue?: string;
  /** jobs that are tried before it */
  position?: number;
  /** "next", "room", "behind", "quota", "not-before", "network", "reservation", "too-large", "offered", "preempting": others make room for it; "cheaper-later": it may wait, and waits for the cheapest hour */
  reason?: string;
  /** of room and quota: "cpu", "memory", "accelerators" */
  resource?: string;
  /** where it is expected to start, or comes nearest to it */
  site?: string;
  /** the job for which room is kept: "tenant/name", or only that it is another tenant's */
  behind?: string;
  /** of quota: the queue */
  limited_by?: string;
  /** of the resource, in milli-cores, MiB or accelerators, rounded up */
  needed?: string;
  /** rounded down */
  available?: string;
  /** 0: not foreseen */
  estimated_start?: string;
  /** no later than this; 0: nothing is promised */
  promised_start?: string;
  /** when it was submitted */
  since?: string;
  /** of cheaper-later: of what an hour of it would cost now */
  saves_ppm?: number;
}

/** Who is told of events, and how far that is. */
export interface Webhook {
  id?: string;
  url?: string;
  /** only these; empty: all */
  names?: string[];
  /** only what concerns it; empty: everything that its owner may see */
  tenant?: string;
  /** "operator/alice", "tenant/city" */
  owner?: string;
  /** "weir", or "tmf921" where TM Forum's hub added it */
  format?: string;
  /** "active", "failing", "disabled" */
  state?: string;
  /** the last delivery failed, or it was given up */
  why?: string;
  /** position of the first event that may not have been delivered */
  next?: string;
  /** since the last delivery */
  failures?: number;
  /** microseconds since the Unix epoch */
  created?: string;
  /** when the last was, since the brain began; 0: none yet */
  delivered?: string;
}

export interface WhoAmIResponse {
  role?: Role;
  /** tenant, sites or operator name */
  subject?: string;
  /** as the identity provider names them; empty for a local token */
  person?: string;
  /** "token": a local one; "session": signed in by the browser; "provider": a token of the identity provider */
  by?: string;
  /** public identifier, for revocation; empty for a token of the identity provider */
  token?: string;
  /** microseconds since the Unix epoch; 0: never */
  expires?: string;
}

/** One thing that was asked for. A yes is as many as were offered. */
export interface Wish {
  /** "request", "edit", "why", "what-if", "how-much", "where", "status", "cancel", "accept", "decline", "verdict", "other" */
  act?: string;
  /** of the act, in the language that was spoken */
  label?: string;
  confidencePermille?: number;
  fields?: Understood[];
  assumptions?: Assumption[];
  /** the weightiest first; one without `assumed` has to be answered before anything is planned */
  questions?: Question[];
  /** what else there is to say, in the language that was spoken */
  say?: string;
  /** that would be applied; as far as it is known, while a question is open */
  intent?: Intent;
  /** the intent, not its price alone */
  wanted?: boolean;
  /** it was said that it shall be applied */
  agreed?: boolean;
  /** of a dry run of the intent */
  outcome?: ApplyResult;
  /** why there is no dry run */
  problem?: ErrorDetail;
  strategies?: Strategy[];
  /** that answers it */
  explain?: ExplainRequest;
  /** that it asks for */
  withdrawals?: DeleteRequest[];
  /** that it is about */
  intents?: IntentName[];
  /** that it asks for */
  sites?: SiteSearch;
  /** what the intent does, as far as it was said in this dialogue: "detection" */
  work?: string;
  /** alike ones of the same tenant, the most alike first; at most 3 */
  past?: PastCase[];
  /** that it asks for */
  rating?: RateRequest;
  /** of the intent, where it is a job that has to wait: then there are no strategies */
  rehearsal?: Rehearsal;
}

/** Stages and what flows between them, without a cycle. */
export interface Workflow {
  apiVersion?: string;
  kind?: string;
  metadata?: Metadata;
  spec?: Workflow.Spec;
  status?: Workflow.Status;
}
export declare namespace Workflow {
  interface Edge {
    from?: string;
    to?: string;
    /** stream: "8Mbps" */
    rate?: string;
    /** stream: "100kB" */
    item?: string;
    /** batch: "12GB" */
    bytes?: string;
  }
  interface Input {
    name?: string;
    bytes?: string;
    /** each holds all of it */
    at?: string[];
  }
  interface Places {
    residency?: string[];
    only?: string[];
    not?: string[];
  }
  interface Spec {
    /** "stream": all stages run at once; "batch": each once, after what it needs */
    kind?: string;
    /** stream: from any source to any sink, one way: "300ms" */
    latency?: string;
    /** of that: "99" */
    percentile?: string;
    /** batch: from its start: "2h"; none: as soon as possible */
    deadline?: string;
    /** 1 to 100 */
    stages?: Workflow.Stage[];
    /** at most 1,000 */
    edges?: Workflow.Edge[];
    /** batch */
    inputs?: Workflow.Input[];
    /** of every stage that is not pinned */
    where?: Workflow.Places;
    prefer?: Intent.Preference;
  }
  /** One that says neither artifact nor cpu stands for what is there by itself, such as a camera. */
  interface Stage {
    name?: string;
    /** pinned: one of these sites */
    at?: string[];
    artifact?: string;
    digest?: string;
    command?: string[];
    /** stream: that it takes items on */
    port?: number;
    cpu?: string;
    memory?: string;
    accelerators?: number;
    accelerator_model?: string;
    accelerator_share?: string;
    accelerator_memory?: string;
    accelerator_fp16_tflops?: string;
    /** stream: of one item; batch: of the whole: "30ms@reference-core" */
    work?: string;
    /** stream: of all instances together */
    items_per_second?: string;
    /** stream */
    replicas?: number;
    /** batch: inputs */
    reads?: string[];
    accelerators_linked?: boolean;
  }
  interface StageStatus {
    name?: string;
    site?: string;
    /** that runs it; none: it stands for what is there */
    intent?: string;
    /** of the intent; "there" without one, "waiting" before there is one */
    state?: string;
    why?: string;
    price_nanocredits?: string;
    /** stream: of one item */
    latency_us?: string;
    /** batch: planned, from its start */
    start_us?: string;
    finish_us?: string;
    service_address?: string;
    service_port?: number;
  }
  interface Status {
    /** "pending", "planned", "running", "refused", "finished", "withdrawn" */
    state?: string;
    /** of a refusal: what stands in the way; else why it was planned again */
    why?: string;
    /** of a refusal: the stage or edge, as its path in the spec */
    where?: string;
    /** that the plan is of */
    generation?: number;
    has_plan?: boolean;
    /** of the decision; stream: per hour */
    price_nanocredits?: string;
    /** no plan has a lower one */
    bound_nanocredits?: string;
    /** "exact", "bounded", "heuristic" */
    quality?: string;
    /** stream: of the slowest path; batch: of the whole */
    latency_us?: string;
    /** batch */
    latency_us_bound?: string;
    /** batch: within its deadline */
    in_time?: boolean;
    stages?: Workflow.StageStatus[];
    transfers?: Workflow.TransferStatus[];
    /** microseconds since the Unix epoch */
    planned?: string;
    /** names of the stages that decide latency_us */
    critical_path?: string[];
  }
  /** What moves between two sites. */
  interface TransferStatus {
    /** stage, or input */
    from?: string;
    to?: string;
    bps?: string;
    /** stream: one way; batch: how long it takes */
    latency_us?: string;
    price_nanocredits?: string;
    links?: string[];
    /** its bandwidth is reserved by the intent of the stage that it leads to */
    held?: boolean;
  }
}
