import { describe, expect, it } from 'vitest';
import { dictionaries } from './dictionary';

type Tree = { [key: string]: unknown };

function leaves(tree: Tree, path = ''): Map<string, unknown> {
  const out = new Map<string, unknown>();
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'object' && value !== null) for (const [inner, leaf] of leaves(value as Tree, `${path}${key}.`)) out.set(inner, leaf);
    else out.set(path + key, value);
  }
  return out;
}

const say = (leaf: unknown): string => (typeof leaf === 'function' ? String((leaf as (...given: string[]) => unknown)('α', 'β', 'γ', 'δ')) : String(leaf));

describe('dictionaries', () => {
  const en = leaves(dictionaries.en);
  const zh = leaves(dictionaries.zh);
  it('have the same texts', () => expect([...zh.keys()].sort()).toEqual([...en.keys()].sort()));
  it('say something everywhere', () => {
    for (const texts of [en, zh]) for (const [key, leaf] of texts) expect(say(leaf), key).not.toBe('');
  });
  it('use everything that a text is given in both languages', () => {
    const used = (leaf: unknown) => ['α', 'β', 'γ', 'δ'].filter((given) => say(leaf).includes(given));
    for (const [key, leaf] of en) expect(used(zh.get(key)), key).toEqual(used(leaf));
  });
});
