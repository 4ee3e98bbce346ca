import type { Int64, Outlook, Plan } from './types';

// The messages of POST /v1/ask, as JSON has them: what is nought or empty is left out.

export interface Utterance {
  text: string;
  unixSeconds: number;
}

export interface AskRequest {
  dialogue: Utterance[];
  tenant?: string;
  name?: string;
  about?: IntentName;
  utcOffsetSeconds: number;
}

export interface IntentName {
  tenant: string;
  name: string;
}

// An intent is shown and sent back as it came.
export interface AskedIntent {
  metadata: { name: string; tenant?: string };
  spec?: unknown;
}

export interface ApplyResult {
  name?: string;
  tenant?: string;
  action?: string;
  plan?: Plan;
  refusal?: unknown;
  reasons?: string[];
  waiting?: Outlook['waiting'];
  why?: string;
}

export interface Estimate {
  billedPerHourNanocredits?: Int64;
  latencyUs?: Int64;
  carbonMgPerHour?: Int64;
  availabilityPpm?: number;
  instances?: number;
  sites?: string[];
}

export interface Strategy {
  kind: string;
  title: string;
  changes?: string[];
  intent: AskedIntent;
  estimate: Estimate;
  suggested?: string;
  rehearsal?: Rehearsal;
}

// What becomes of it in the next hours, as the loop ran them in virtual time.
export interface Rehearsal {
  windowUs?: Int64;
  reachedUs?: Int64;
  forecast?: string;
  arrivals?: number;
  starts?: boolean;
  startsAfterUs?: Int64;
  ends?: boolean;
  endsAfterUs?: Int64;
  billedNanocredits?: Int64;
  moves?: number;
  preemptions?: number;
  shortUs?: Int64;
  othersLater?: number;
  othersLaterUs?: Int64;
  othersPreempted?: number;
  lostSite?: string;
  repaired?: boolean;
  repairedAfterUs?: Int64;
  problem?: string;
}

// Something that was offered or judged before, told in `text`.
export interface PastCase {
  intent?: { tenant?: string; name?: string };
  verdict?: string;
  text: string;
}

export interface Rating {
  intent: string;
  tenant?: string;
  verdict: string;
  because?: string;
  comment?: string;
}

export interface RecordDialogueRequest {
  tenant: string;
  said: string[];
  language: string;
  end: 'taken' | 'declined' | 'left';
  outcomes: { intent: AskedIntent; work?: string; offered?: string[]; taken?: string }[];
}

export interface Wish {
  act: string;
  label?: string;
  confidencePermille?: number;
  fields?: { field: string; label: string; value?: string; words?: string; begin?: number; end?: number }[];
  assumptions?: { field: string; text: string }[];
  questions?: { text: string; assumed?: string }[];
  say?: string;
  intent?: AskedIntent;
  wanted?: boolean;
  agreed?: boolean;
  outcome?: ApplyResult;
  problem?: { code?: string; what?: string; where?: string; remedy?: string };
  strategies?: Strategy[];
  explain?: { intent: string; tenant?: string; whatIf?: string[] };
  withdrawals?: { name: string; tenant?: string }[];
  intents?: { name: string; tenant?: string }[];
  work?: string;
  past?: PastCase[];
  rating?: Rating;
  rehearsal?: Rehearsal;
  sites?: { names?: string[]; cleanestFirst?: boolean };
}

export interface AskResponse {
  language?: string;
  wishes?: Wish[];
}
