// The shapes that the REST API answers with: the JSON mapping of api/weir/v1. 64-bit integers are text, and a field with its
// default value is left out, so that everything here but a name may be absent.
export type Int64 = string;

export interface Metadata {
  name: string;
  tenant?: string;
  labels?: Record<string, string>;
  generation?: number;
}

export interface Prices {
  core_hour?: string;
  gib_hour?: string;
  accelerator_hour?: string;
  best_effort?: string;
}

export interface Site {
  metadata: Metadata;
  spec?: {
    region?: string;
    tier?: string;
    residency?: string[];
    place?: { latitude?: string; longitude?: string };
    asks?: Prices;
    power?: { idle_per_core?: string; peak_per_core?: string; pue?: string; carbon?: string };
    availability?: string;
    failure_domain?: string;
    taints?: string[];
  };
  status?: {
    state?: string;
    why?: string;
    nodes?: number;
    cpu_milli_total?: Int64;
    cpu_milli_free?: Int64;
    memory_mib_total?: Int64;
    memory_mib_free?: Int64;
    accelerators_total?: Int64;
    accelerators_free?: Int64;
    runs?: number;
    driver?: string;
    isolation?: string;
    paths?: string;
    paths_why?: string;
    agent_version?: string;
    heard_us_ago?: Int64;
    id?: number;
    restricted?: boolean;
  };
}

export interface Router {
  metadata: Metadata;
  spec?: { place?: { latitude?: string; longitude?: string } };
}

export interface LinkDirection {
  up?: boolean;
  why?: string;
  bandwidth_bps_reserved?: Int64;
  latency_us?: Int64;
  jitter_us?: Int64;
  loss_ppm?: number;
  measured?: boolean;
  scarcity_per_gbps_hour_nanocredits?: Int64;
}

export interface Link {
  metadata: Metadata;
  spec?: { between?: string[]; rate?: string; delay?: string; availability?: string; price?: string };
  status?: {
    state?: string;
    bandwidth_bps?: Int64;
    forward?: LinkDirection;
    backward?: LinkDirection;
    id?: number;
    steerable?: boolean;
    paths_why?: string;
  };
}

export interface Instance {
  artifact?: string;
  port?: number;
  cpu?: string;
  memory?: string;
  accelerators?: number;
  accelerator_model?: string;
  streams_per_instance?: number;
  best_effort?: boolean;
}

export interface Waiting {
  queue?: string;
  position?: number;
  reason?: string;
  resource?: string;
  site?: string;
  behind?: string;
  limited_by?: string;
  needed?: Int64;
  available?: Int64;
  estimated_start?: Int64;
  promised_start?: Int64;
  since?: Int64;
}

export interface Intent {
  metadata: Metadata;
  spec?: {
    from?: { site?: string; streams?: number }[];
    workload?: {
      service?: Instance;
      job?: Instance;
      traffic?: { up?: string; down?: string; requests_per_second?: string; work_per_request?: string; between?: string };
    };
    promise?: { latency?: string; percentile?: string; availability?: string };
    where?: Record<string, unknown>;
    prefer?: { cost?: string; carbon?: string };
    budget?: { max?: string; per?: string };
    schedule?: Record<string, unknown>;
  };
  status?: {
    state?: string;
    why?: string;
    generation?: number;
    has_plan?: boolean;
    plan?: Int64;
    instances?: number;
    instances_running?: number;
    promise_kept?: boolean;
    latency_us_predicted?: Int64;
    latency_us_measured?: Int64;
    samples?: Int64;
    misses?: Int64;
    lost?: Int64;
    billed_per_hour_nanocredits?: Int64;
    service_address?: string;
    service_port?: number;
    waiting?: Waiting;
    started?: Int64;
    preemptions?: number;
    tasks?: { waiting?: number; running?: number; finished?: number; failed?: number; withdrawn?: number };
    array?: string;
    task?: number;
    expected_run_us?: Int64;
  };
}

export interface Flow {
  ingress?: string;
  site?: string;
  path?: string[];
  protection?: string[];
  hops?: string[];
  on_protection?: boolean;
  driver?: string;
  counted?: boolean;
  sent_bytes?: Int64;
  returned_bytes?: Int64;
}

export interface Alternative {
  ingress?: string;
  site?: string;
  feasible?: boolean;
  reason?: string;
  hops?: string[];
}

export interface FlowValue {
  placement?: number;
  streams?: number;
  upBps?: Int64;
  downBps?: Int64;
  latencyUsPredicted?: Int64;
  latencyUsPath?: Int64;
  latencyUsSerialisation?: Int64;
  latencyUsWork?: Int64;
  latencyUsQueueing?: Int64;
  pathPerHour?: Int64;
}

export interface AlternativeValue {
  reason?: { code?: string; needed?: Int64; available?: Int64 };
  decisionPrice?: Int64;
  billedPerHour?: Int64;
  latencyUsPredicted?: Int64;
}

export interface PlanValue {
  flows?: FlowValue[];
  alternatives?: AlternativeValue[];
  billedPerHour?: Int64;
  decisionPrice?: Int64;
  powerMw?: Int64;
  carbonMgPerHour?: Int64;
  availabilityPpm?: number;
  quality?: string;
  bound?: Int64;
}

export interface Plan {
  position?: Int64;
  committed?: boolean;
  tenant?: string;
  intent?: string;
  state?: string;
  placements?: { item?: number; site?: string; node?: string; state?: string }[];
  flows?: Flow[];
  value?: PlanValue;
  reason?: string;
  alternatives?: Alternative[];
}

export interface Run {
  id?: { plan?: Int64; item?: number };
  tenant?: string;
  intent?: string;
  site?: string;
  node?: string;
  state?: string;
  exit_code?: number;
  why?: string;
  started?: Int64;
  ended?: Int64;
  cpu_us?: Int64;
  memory_mib_seconds?: Int64;
  received_bytes?: Int64;
  sent_bytes?: Int64;
  energy_microjoule?: Int64;
  address?: string;
  port?: number;
  streams?: number;
  billed_per_hour_nanocredits?: Int64;
  past?: boolean;
}

export interface Node {
  id?: number;
  site?: string;
  spec?: {
    name?: string;
    cpuMilli?: number;
    memoryMib?: number;
    accelerators?: number;
    acceleratorModel?: string;
    speedMilli?: number;
    rack?: string;
  };
  cpu_milli_free?: number;
  memory_mib_free?: number;
  accelerators_free?: number;
  cordoned?: boolean;
}

export interface QueueUse {
  share_ppm?: Int64;
  entitlement_ppm?: Int64;
  cpu_milli?: Int64;
  memory_mib?: Int64;
  accelerators?: Int64;
  jobs_running?: Int64;
  jobs_waiting?: Int64;
  oldest_wait_us?: Int64;
  preemptions?: Int64;
}

export interface Queue {
  metadata: Metadata;
  spec?: { parent?: string; weight?: string; policy?: string };
  status?: { policy?: string; backfill?: string; use?: QueueUse; tenants?: { tenant?: string; use?: QueueUse }[] };
}

export interface Workflow {
  metadata: Metadata;
  spec?: {
    kind?: string;
    latency?: string;
    deadline?: string;
    stages?: { name?: string; artifact?: string; at?: string[] }[];
    edges?: { from?: string; to?: string }[];
  };
  status?: {
    state?: string;
    why?: string;
    where?: string;
    has_plan?: boolean;
    price_nanocredits?: Int64;
    latency_us?: Int64;
    in_time?: boolean;
    stages?: {
      name?: string;
      site?: string;
      intent?: string;
      state?: string;
      why?: string;
      price_nanocredits?: Int64;
      latency_us?: Int64;
    }[];
    transfers?: { from?: string; to?: string; bps?: Int64; latency_us?: Int64; price_nanocredits?: Int64; links?: string[] }[];
    critical_path?: string[];
  };
}

export interface Tenant {
  metadata: Metadata;
  status?: { intents?: number; billed_per_hour_nanocredits?: Int64 };
}

export interface EventView {
  position?: Int64;
  at?: Int64;
  actor?: string;
  name?: string;
  tenant?: string;
  subject?: string;
  text?: string;
  record?: string;
}

export interface Price {
  resource?: string;
  site?: string;
  link?: string;
  unit?: string;
  ask_nanocredits?: Int64;
  scarcity_nanocredits?: Int64;
  carbon_nanocredits?: Int64;
  utilisation_ppm?: number;
  restricted?: boolean;
  job_ask_nanocredits?: Int64;
}

export interface Token {
  token?: string;
  join?: boolean;
  role?: string;
  subject?: string;
  issued?: Int64;
  expires?: Int64;
  used?: Int64;
  used_by?: string;
  state?: string;
}

export interface BillLine {
  intent?: string;
  site?: string;
  item?: string;
  quantity_milli?: Int64;
  unit?: string;
  price_nanocredits?: Int64;
  amount_nanocredits?: Int64;
  plan?: Int64;
}

export interface Bill {
  tenant?: string;
  from?: Int64;
  to?: Int64;
  lines?: BillLine[];
  total_nanocredits?: Int64;
  ledger_size?: Int64;
}

export interface Outlook {
  state?: string;
  why?: string;
  waiting?: Waiting;
  sites?: string[];
  billed_per_hour_nanocredits?: Int64;
  latency_us_predicted?: Int64;
  reasons?: string[];
}

export interface Explanation {
  text?: string;
  plan?: Plan;
  reasons?: string[];
  now?: Outlook;
  whatIf?: Outlook;
  workflow?: Workflow;
}

export type RoleName = 'ROLE_OPERATOR' | 'ROLE_PROVIDER' | 'ROLE_TENANT';

// Who is signed in.
export interface Me {
  role?: RoleName;
  subject?: string;
  person?: string;
  by?: 'token' | 'session' | 'provider';
  token?: string;
  expires?: Int64;
}

// How people may sign in here.
export interface SignInWays {
  localTokens: boolean;
  provider?: string;
  signedIn: boolean;
}

export interface LedgerHead {
  size?: Int64;
  rootSha256?: string;
  durable?: Int64;
}

export interface LedgerProof {
  position?: Int64;
  size?: Int64;
  rootSha256?: string;
  record?: string;
  leafSha256?: string;
  auditPath?: string[];
  consistencyPath?: string[];
}

export interface IssuedToken {
  token?: string;
  bearer?: string;
  expires?: Int64;
  ca_sha256?: string;
}

// What a list of each kind holds.
export interface Kinds {
  site: Site;
  router: Router;
  link: Link;
  intent: Intent;
  plan: Plan;
  run: Run;
  node: Node;
  queue: Queue;
  workflow: Workflow;
  tenant: Tenant;
  price: Price;
  token: Token;
  event: EventView;
}

export type Kind = keyof Kinds;
