// Reads the few fields of a ledger record (api/weir/v1/event.proto) that change what is drawn, so that a failure shows without
// asking the brain again. The record is protobuf's wire format; what is not known is skipped, and what is damaged is no change.

export type RecordChange =
  | { body: 'site'; state: string; why: string; drained: boolean }
  | { body: 'link'; direction: number; up: boolean; why: string }
  | { body: 'run'; state: string; exitCode: number; why: string };

type Field = { number: number; value: bigint | Uint8Array };

const SITE_STATE_CHANGED = 19;
const LINK_STATE_CHANGED = 20;
const RUN_STATE_CHANGED = 27;

const LIVENESS = ['', 'unknown', 'up', 'draining', 'down'];
const RUN_STATES = [
  'RUN_STATE_UNSPECIFIED', 'RUN_STATE_PLANNED', 'RUN_STATE_STARTING', 'RUN_STATE_RUNNING', 'RUN_STATE_STOPPING',
  'RUN_STATE_EXITED', 'RUN_STATE_FAILED', 'RUN_STATE_LOST',
];

export function bytesOfBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

function fields(bytes: Uint8Array): Field[] {
  const out: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at];
      if (byte === undefined) throw new RangeError('the record ends inside a number');
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a number of the record is too long');
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const number = key >> 3;
    if ((key & 7) === 0) out.push({ number, value: varint() });
    else if ((key & 7) === 2) {
      const length = Number(varint());
      if (at + length > bytes.length) throw new RangeError('the record ends inside a field');
      out.push({ number, value: bytes.subarray(at, at + length) });
      at += length;
    } else throw new RangeError('the record has a field of another kind');
  }
  return out;
}

export function changeOf(record: string | undefined): RecordChange | undefined {
  if (record === undefined) return undefined;
  try {
    for (const { number, value } of fields(bytesOfBase64(record))) {
      if (typeof value === 'bigint' || (number !== SITE_STATE_CHANGED && number !== LINK_STATE_CHANGED && number !== RUN_STATE_CHANGED)) {
        continue;
      }
      const body = fields(value);
      const integer = (wanted: number): number => {
        const found = body.find((field) => field.number === wanted)?.value;
        return typeof found === 'bigint' ? Number(BigInt.asIntN(64, found)) : 0;
      };
      const text = (wanted: number): string => {
        const found = body.find((field) => field.number === wanted)?.value;
        return found instanceof Uint8Array ? new TextDecoder().decode(found) : '';
      };
      if (number === SITE_STATE_CHANGED) {
        return { body: 'site', state: LIVENESS[integer(2)] ?? '', why: text(3), drained: integer(4) === 1 };
      }
      if (number === LINK_STATE_CHANGED) return { body: 'link', direction: integer(1) & 1, up: integer(2) === 1, why: text(3) };
      return { body: 'run', state: RUN_STATES[integer(3)] ?? '', exitCode: integer(4), why: text(5) };
    }
  } catch {
    // No change that can be drawn: the resource is read again anyway.
  }
  return undefined;
}
