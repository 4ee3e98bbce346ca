import { describe, expect, it } from 'vitest';
import { isConsistent, leafHash, nodeHash, rootOfInclusion, verify, hex } from './proof';

type Bytes = Uint8Array;
const records = Array.from({ length: 40 }, (_, i) => new TextEncoder().encode(`record ${i}`));

// The recursive definitions of RFC 6962, section 2.1: written apart from what is tested.
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}
async function root(leaves: readonly Bytes[]): Promise<Bytes> {
  if (leaves.length === 1) return leafHash(leaves[0] as Bytes);
  const k = split(leaves.length);
  return nodeHash(await root(leaves.slice(0, k)), await root(leaves.slice(k)));
}
async function audit(m: number, leaves: readonly Bytes[]): Promise<Bytes[]> {
  if (leaves.length === 1) return [];
  const k = split(leaves.length);
  return m < k
    ? [...(await audit(m, leaves.slice(0, k))), await root(leaves.slice(k))]
    : [...(await audit(m - k, leaves.slice(k))), await root(leaves.slice(0, k))];
}
async function subproof(m: number, leaves: readonly Bytes[], complete: boolean): Promise<Bytes[]> {
  if (m === leaves.length) return complete ? [] : [await root(leaves)];
  const k = split(leaves.length);
  return m <= k
    ? [...(await subproof(m, leaves.slice(0, k), complete)), await root(leaves.slice(k))]
    : [...(await subproof(m - k, leaves.slice(k), false)), await root(leaves.slice(0, k))];
}
const base64 = (bytes: Bytes) => Buffer.from(bytes).toString('base64');
const flipped = (bytes: Bytes) => bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte));

describe('inclusion', () => {
  it('holds for every leaf of trees of 1 to 17 records, and for no other', async () => {
    for (let size = 1; size <= 17; size += 1) {
      const leaves = records.slice(0, size);
      const whole = hex(await root(leaves));
      for (let m = 0; m < size; m += 1) {
        const leaf = await leafHash(leaves[m] as Bytes);
        const path = await audit(m, leaves);
        const reached = await rootOfInclusion(leaf, BigInt(m), BigInt(size), path);
        expect(reached && hex(reached), `leaf ${m} of ${size}`).toBe(whole);
        const other = await rootOfInclusion(flipped(leaf), BigInt(m), BigInt(size), path);
        expect(other && hex(other)).not.toBe(whole);
      }
    }
  }, 60_000);

  it('refuses a path of another length and a position outside', async () => {
    const leaf = await leafHash(records[3] as Bytes);
    const path = await audit(3, records);
    expect(await rootOfInclusion(leaf, 3n, 40n, [...path, leaf])).toBeUndefined();
    expect(await rootOfInclusion(leaf, 3n, 40n, path.slice(1))).toBeUndefined();
    expect(await rootOfInclusion(leaf, 40n, 40n, path)).toBeUndefined();
  });
});

describe('consistency', () => {
  it('holds for every prefix of trees of 1 to 13 records, and not for another past', async () => {
    for (let size = 1; size <= 13; size += 1) {
      const now = await root(records.slice(0, size));
      for (let old = 1; old <= size; old += 1) {
        const before = await root(records.slice(0, old));
        const path = old === size ? [] : await subproof(old, records.slice(0, size), true);
        expect(await isConsistent(BigInt(old), before, BigInt(size), now, path), `${old} of ${size}`).toBe(true);
        expect(await isConsistent(BigInt(old), flipped(before), BigInt(size), now, path)).toBe(false);
        expect(await isConsistent(BigInt(old), before, BigInt(size), flipped(now), path)).toBe(false);
      }
    }
  }, 60_000);
});

describe('verify', () => {
  const answer = async () => ({
    position: '5', size: '21', rootSha256: base64(await root(records.slice(0, 21))), record: base64(records[5] as Bytes),
    leafSha256: base64(await leafHash(records[5] as Bytes)),
    auditPath: (await audit(5, records.slice(0, 21))).map(base64),
    consistencyPath: (await subproof(9, records.slice(0, 21), true)).map(base64),
  });
  const head = async (size: number) => ({ size: String(size), rootSha256: base64(await root(records.slice(0, size))) });
  const outcome = async (change: object, position = '5') =>
    (await verify({ ...(await answer()), ...change }, position, await head(21), await head(9))).map((step) => step.ok);

  it('takes a true answer', async () => expect(await outcome({})).toEqual([true, true, true, true]));
  it('sees another record', async () => expect(await outcome({ record: base64(records[6] as Bytes) })).toEqual([true, false, false, true]));
  it('sees another tree', async () => expect(await outcome({ rootSha256: base64(records[0] as Bytes), size: '20' })).toEqual([false, true, true, true]));
  it('sees another position', async () => expect((await outcome({}, '6'))[0]).toBe(false));
  it('sees a rewritten past', async () => expect(await outcome({ consistencyPath: [] })).toEqual([true, true, true, false]));
  it('goes without a record that may not be read', async () => expect(await outcome({ record: undefined })).toEqual([true, 'hidden', true, true]));
});

it('hashes the empty record as RFC 6962 test vectors have it', async () =>
  expect(hex(await leafHash(new Uint8Array()))).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'));
