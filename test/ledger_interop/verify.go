// Checks the proofs that the program named on the command line prints, with an implementation of RFC 6962
// trees that shares nothing with ours: golang.org/x/mod/sumdb/tlog.
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// A tree over the records themselves, against which the printed heads are compared.
type tree struct {
	stored []tlog.Hash
	size   int64
}

func (t *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		out[i] = t.stored[index]
	}
	return out, nil
}

func (t *tree) add(record []byte) {
	hashes, err := tlog.StoredHashes(t.size, record, t)
	must(err)
	t.stored = append(t.stored, hashes...)
	t.size++
}

func must(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func fail(format string, args ...interface{}) {
	fmt.Fprintf(os.Stderr, "ledger interop: "+format+"\n", args...)
	os.Exit(1)
}

type proof struct {
	title  string
	fields map[string]string
	hashes []tlog.Hash
}

func parseHash(text string) tlog.Hash {
	var hash tlog.Hash
	raw, err := hex.DecodeString(text)
	must(err)
	if len(raw) != len(hash) {
		fail("a hash of %d bytes", len(raw))
	}
	copy(hash[:], raw)
	return hash
}

func (p *proof) number(name string) int64 {
	value, err := strconv.ParseInt(p.fields[name], 10, 64)
	must(err)
	return value
}

func (p *proof) hash(name string) tlog.Hash { return parseHash(p.fields[name]) }

func flipped(hash tlog.Hash, bit int) tlog.Hash {
	hash[bit/8%len(hash)] ^= 1 << (bit % 8)
	return hash
}

// Calls check with each variation of a proof in which one bit, or one hash more or less, is wrong.
func tamper(hashes []tlog.Hash, bit int, check func(what string, hashes []tlog.Hash)) {
	for i := range hashes {
		changed := append([]tlog.Hash(nil), hashes...)
		changed[i] = flipped(changed[i], bit)
		check(fmt.Sprintf("hash %d changed", i), changed)
	}
	check("a hash added", append(append([]tlog.Hash(nil), hashes...), tlog.Hash{}))
	if len(hashes) > 0 {
		check("a hash removed", hashes[:len(hashes)-1])
	}
}

type verifier struct {
	own                             tree
	inclusions, consistencies, sham int
}

func (v *verifier) head(size int64, printed tlog.Hash) {
	root, err := tlog.TreeHash(size, &v.own)
	must(err)
	if root != printed {
		fail("root of %d records: ours %x, tlog's %x", size, printed, root)
	}
}

func (v *verifier) inclusion(p *proof) {
	index, size, leaf, root := p.number("index"), p.number("size"), p.hash("leaf"), p.hash("root")
	v.head(size, root)
	if err := tlog.CheckRecord(p.hashes, size, root, index, leaf); err != nil {
		fail("record %d of %d: %v", index, size, err)
	}
	expected, err := tlog.ProveRecord(size, index, &v.own)
	must(err)
	if len(expected) != len(p.hashes) {
		fail("record %d of %d: %d hashes, tlog has %d", index, size, len(p.hashes), len(expected))
	}
	refuse := func(what string, hashes []tlog.Hash, index, size int64, root, leaf tlog.Hash) {
		v.sham++
		if tlog.CheckRecord(hashes, size, root, index, leaf) == nil {
			fail("record %d of %d was accepted with %s", index, size, what)
		}
	}
	bit := v.inclusions % 256
	refuse("another leaf", p.hashes, index, size, root, flipped(leaf, bit))
	refuse("another root", p.hashes, index, size, flipped(root, bit), leaf)
	if size > 1 {
		refuse("another index", p.hashes, (index+1)%size, size, root, leaf)
	}
	tamper(p.hashes, bit, func(what string, hashes []tlog.Hash) { refuse(what, hashes, index, size, root, leaf) })
	v.inclusions++
}

func (v *verifier) consistency(p *proof) {
	oldSize, size, oldRoot, root := p.number("old-size"), p.number("size"), p.hash("old-root"), p.hash("root")
	v.head(size, root)
	v.head(oldSize, oldRoot)
	if err := tlog.CheckTree(p.hashes, size, root, oldSize, oldRoot); err != nil {
		fail("growth from %d to %d: %v", oldSize, size, err)
	}
	refuse := func(what string, hashes []tlog.Hash, root, oldRoot tlog.Hash) {
		v.sham++
		if tlog.CheckTree(hashes, size, root, oldSize, oldRoot) == nil {
			fail("growth from %d to %d was accepted with %s", oldSize, size, what)
		}
	}
	bit := v.consistencies % 256
	refuse("another old root", p.hashes, root, flipped(oldRoot, bit))
	refuse("another root", p.hashes, flipped(root, bit), oldRoot)
	tamper(p.hashes, bit, func(what string, hashes []tlog.Hash) { refuse(what, hashes, root, oldRoot) })
	v.consistencies++
}

func (v *verifier) take(p *proof) {
	switch p.title {
	case "weir-inclusion-proof 1":
		v.inclusion(p)
	case "weir-consistency-proof 1":
		v.consistency(p)
	default:
		fail("unknown proof %q", p.title)
	}
}

func main() {
	if len(os.Args) != 2 {
		fail("usage: verify PROGRAM")
	}
	output, err := exec.Command(os.Args[1]).Output()
	must(err)
	v := &verifier{}
	var p *proof
	lines := bufio.NewScanner(bytes.NewReader(output))
	for lines.Scan() {
		line := lines.Text()
		name, value, _ := strings.Cut(line, " ")
		switch {
		case p == nil && name == "record":
			record, err := hex.DecodeString(value)
			must(err)
			v.own.add(record)
		case p == nil:
			p = &proof{title: line, fields: map[string]string{}}
		case line == "":
			v.take(p)
			p = nil
		case name == "hash":
			p.hashes = append(p.hashes, parseHash(value))
		default:
			p.fields[name] = value
		}
	}
	must(lines.Err())
	if v.own.size < 700 || v.inclusions < 9000 || v.consistencies < 9000 || v.sham < 100000 {
		fail("too little to check: %+d records, %d and %d proofs, %d shams", v.own.size, v.inclusions, v.consistencies, v.sham)
	}
	fmt.Printf("accepted %d inclusion and %d consistency proofs over %d records; refused %d tampered ones\n",
		v.inclusions, v.consistencies, v.own.size, v.sham)
}
