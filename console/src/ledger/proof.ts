import { bytesOfBase64 } from '../api/record';
import type { LedgerProof } from '../api/types';

// Verification of RFC 6962 (section 2.1) trees by the algorithms of RFC 9162, sections 2.1.3.2 and 2.1.4.2, with the browser's own
// SHA-256. Nothing that the brain says about the outcome is used: only the bytes and hashes that it gives.

type Bytes = Uint8Array<ArrayBuffer>;

async function sha256(...parts: Uint8Array[]): Promise<Bytes> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest('SHA-256', whole));
}

const LEAF = new Uint8Array([0]);
const NODE = new Uint8Array([1]);

export const leafHash = (record: Uint8Array): Promise<Bytes> => sha256(LEAF, record);
export const nodeHash = (left: Uint8Array, right: Uint8Array): Promise<Bytes> => sha256(NODE, left, right);

export function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

// The root that the leaf and its audit path lead to, or none if the path has the wrong length. RFC 9162, section 2.1.3.2.
export async function rootOfInclusion(leaf: Uint8Array, position: bigint, size: bigint, path: readonly Uint8Array[]): Promise<Uint8Array | undefined> {
  if (position >= size) return undefined;
  let fn = position;
  let sn = size - 1n;
  let root = leaf;
  for (const p of path) {
    if (sn === 0n) return undefined;
    if ((fn & 1n) === 1n || fn === sn) {
      root = await nodeHash(p, root);
      while ((fn & 1n) === 0n && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      root = await nodeHash(root, p);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n ? root : undefined;
}

// That the tree of `oldSize` records with `oldRoot` is a prefix of the one of `size` with `root`. RFC 9162, section 2.1.4.2.
export async function isConsistent(
  oldSize: bigint, oldRoot: Uint8Array, size: bigint, root: Uint8Array, path: readonly Uint8Array[],
): Promise<boolean> {
  if (oldSize === 0n) return path.length === 0;
  if (oldSize > size) return false;
  if (oldSize === size) return path.length === 0 && same(oldRoot, root);
  const steps = [...path];
  if ((oldSize & (oldSize - 1n)) === 0n) steps.unshift(oldRoot);
  const first = steps[0];
  if (first === undefined) return false;
  let fn = oldSize - 1n;
  let sn = size - 1n;
  while ((fn & 1n) === 1n) {
    fn >>= 1n;
    sn >>= 1n;
  }
  let fr = first;
  let sr = first;
  for (const c of steps.slice(1)) {
    if (sn === 0n) return false;
    if ((fn & 1n) === 1n || fn === sn) {
      fr = await nodeHash(c, fr);
      sr = await nodeHash(c, sr);
      while ((fn & 1n) === 0n && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      sr = await nodeHash(sr, c);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n && same(fr, oldRoot) && same(sr, root);
}

export interface TrustedHead {
  size: string;
  rootSha256: string;
}

export type Step =
  | { step: 'root' | 'inclusion' | 'leaf' | 'consistency'; ok: boolean; computed?: string; given?: string }
  | { step: 'leaf'; ok: 'hidden' };

// Checks an answer of the brain against the head that the caller asked for: that the proof is of this tree, that the record hashes to
// the leaf, that the leaf is in the tree, and that the head trusted before, if any, is a prefix of this one.
export async function verify(proof: LedgerProof, position: string, head: TrustedHead, before?: TrustedHead): Promise<Step[]> {
  const steps: Step[] = [];
  const root = bytesOfBase64(head.rootSha256);
  const given = bytesOfBase64(proof.rootSha256 ?? '');
  steps.push({
    step: 'root',
    ok: same(root, given) && (proof.size ?? '0') === head.size && (proof.position ?? '0') === position,
    computed: hex(root),
    given: hex(given),
  });
  const claimed = bytesOfBase64(proof.leafSha256 ?? '');
  let leaf = claimed;
  if (proof.record === undefined || proof.record === '') steps.push({ step: 'leaf', ok: 'hidden' });
  else {
    leaf = await leafHash(bytesOfBase64(proof.record));
    steps.push({ step: 'leaf', ok: same(leaf, claimed), computed: hex(leaf), given: hex(claimed) });
  }
  const reached = await rootOfInclusion(leaf, BigInt(position), BigInt(head.size), (proof.auditPath ?? []).map(bytesOfBase64));
  steps.push({
    step: 'inclusion',
    ok: reached !== undefined && same(reached, root),
    computed: reached === undefined ? '' : hex(reached),
    given: hex(root),
  });
  if (before !== undefined) {
    const oldRoot = bytesOfBase64(before.rootSha256);
    steps.push({
      step: 'consistency',
      ok: await isConsistent(BigInt(before.size), oldRoot, BigInt(head.size), root, (proof.consistencyPath ?? []).map(bytesOfBase64)),
      given: hex(oldRoot),
    });
  }
  return steps;
}
