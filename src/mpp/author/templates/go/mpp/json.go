package mpp

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A strict reader: encoding/json lets an object hold a key twice and mends half of a surrogate pair, so two readers could see two
// requests. Numbers stay texts, so no digit is lost.

type problem struct {
	code  int64
	words string
}

type reader struct {
	in     []byte
	at     int
	values int
}

func parse(in []byte) (any, *problem) {
	if !utf8.Valid(in) {
		return nil, &problem{codeParse, "the request is not UTF-8"}
	}
	r := &reader{in: in}
	found, fault := r.value(1)
	if fault != nil {
		return nil, fault
	}
	r.space()
	if r.at != len(in) {
		return nil, &problem{codeParse, "not JSON: something stands after the request"}
	}
	return found, nil
}

// Parse reads JSON as strictly as requests are read.
func Parse(data []byte) (any, bool) {
	found, fault := parse(data)
	return found, fault == nil
}

func expected(what string) *problem { return &problem{codeParse, "not JSON: " + what + " is expected"} }

func (r *reader) space() {
	for r.at < len(r.in) && strings.IndexByte(" \t\r\n", r.in[r.at]) >= 0 {
		r.at++
	}
}

func (r *reader) next(wanted byte) bool {
	if r.at < len(r.in) && r.in[r.at] == wanted {
		r.at++
		return true
	}
	return false
}

func (r *reader) value(depth int) (any, *problem) {
	r.space()
	if r.values++; r.values > ValuesMax {
		return nil, &problem{codeRequest, "the request has too many values"}
	}
	if r.at == len(r.in) {
		return nil, expected("a value")
	}
	switch r.in[r.at] {
	case '{', '[':
		if depth > DepthMax {
			return nil, &problem{codeRequest, "the request is nested too deep"}
		}
		if r.next('{') {
			return r.object(depth)
		}
		r.at++
		return r.list(depth)
	case '"':
		r.at++
		return r.text()
	case 't':
		return true, r.word("true")
	case 'f':
		return false, r.word("false")
	case 'n':
		return nil, r.word("null")
	}
	return r.number()
}

func (r *reader) word(word string) *problem {
	if !strings.HasPrefix(string(r.in[r.at:min(len(r.in), r.at+len(word))]), word) {
		return expected("a value")
	}
	r.at += len(word)
	return nil
}

func (r *reader) object(depth int) (any, *problem) {
	found := map[string]any{}
	r.space()
	if r.next('}') {
		return found, nil
	}
	for {
		r.space()
		if !r.next('"') {
			return nil, expected("a key")
		}
		key, fault := r.text()
		if fault != nil {
			return nil, fault
		}
		if _, twice := found[key.(string)]; twice {
			return nil, &problem{codeParse, "an object has the same key twice"}
		}
		r.space()
		if !r.next(':') {
			return nil, expected("':'")
		}
		item, fault := r.value(depth + 1)
		if fault != nil {
			return nil, fault
		}
		found[key.(string)] = item
		r.space()
		if r.next('}') {
			return found, nil
		}
		if !r.next(',') {
			return nil, expected("',' or a closing bracket")
		}
	}
}

func (r *reader) list(depth int) (any, *problem) {
	found := []any{}
	r.space()
	if r.next(']') {
		return found, nil
	}
	for {
		item, fault := r.value(depth + 1)
		if fault != nil {
			return nil, fault
		}
		found = append(found, item)
		r.space()
		if r.next(']') {
			return found, nil
		}
		if !r.next(',') {
			return nil, expected("',' or a closing bracket")
		}
	}
}

func (r *reader) digits() bool {
	begun := r.at
	for r.at < len(r.in) && r.in[r.at] >= '0' && r.in[r.at] <= '9' {
		r.at++
	}
	return r.at > begun
}

func (r *reader) number() (any, *problem) {
	begun := r.at
	r.next('-')
	good := r.next('0') || r.digits()
	if good && r.next('.') {
		good = r.digits()
	}
	if good && (r.next('e') || r.next('E')) {
		if !r.next('+') {
			r.next('-')
		}
		good = r.digits()
	}
	if !good {
		return nil, expected("a value")
	}
	return json.Number(r.in[begun:r.at]), nil
}

// After the opening quote.
func (r *reader) text() (any, *problem) {
	var out strings.Builder
	for {
		begun := r.at
		for r.at < len(r.in) && r.in[r.at] != '"' && r.in[r.at] != '\\' && r.in[r.at] >= 0x20 {
			r.at++
		}
		out.Write(r.in[begun:r.at])
		if r.at == len(r.in) {
			return nil, &problem{codeParse, "not JSON: a string does not end"}
		}
		if r.next('"') {
			return out.String(), nil
		}
		if !r.next('\\') {
			return nil, &problem{codeParse, "not JSON: a control character in a string"}
		}
		if fault := r.escape(&out); fault != nil {
			return nil, fault
		}
	}
}

func (r *reader) escape(out *strings.Builder) *problem {
	const names, values = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	if r.next('u') {
		return r.unicode(out)
	}
	if r.at < len(r.in) {
		if found := strings.IndexByte(names, r.in[r.at]); found >= 0 {
			r.at++
			out.WriteByte(values[found])
			return nil
		}
	}
	return &problem{codeParse, "not JSON: an unknown escape"}
}

func (r *reader) unicode(out *strings.Builder) *problem {
	point, ok := r.hex()
	if ok && point >= 0xD800 && point <= 0xDFFF {
		low := rune(0)
		ok = point < 0xDC00 && r.next('\\') && r.next('u')
		if ok {
			low, ok = r.hex()
		}
		if !ok || low < 0xDC00 || low > 0xDFFF {
			return &problem{codeParse, "not JSON: a surrogate stands alone"}
		}
		point = 0x10000 + (point-0xD800)<<10 + (low - 0xDC00)
	}
	if !ok {
		return &problem{codeParse, `not JSON: a \u escape has four hex digits`}
	}
	out.WriteRune(point)
	return nil
}

func (r *reader) hex() (rune, bool) {
	if len(r.in)-r.at < 4 {
		return 0, false
	}
	found, err := strconv.ParseUint(string(r.in[r.at:r.at+4]), 16, 16)
	r.at += 4
	return rune(found), err == nil
}

// AsInteger is the value as an integer of 64 bits; 1e3 and 2.0 are integers too, as far as a float64 holds them exactly.
func AsInteger(value any) (int64, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	if found, err := strconv.ParseInt(string(number), 10, 64); err == nil {
		return found, true
	}
	if !strings.ContainsAny(string(number), ".eE") {
		return 0, false
	}
	found, err := number.Float64()
	const exact = 1 << 53
	if err != nil || found < -exact || found > exact || found != float64(int64(found)) {
		return 0, false
	}
	return int64(found), true
}

// AsUnsigned is the value as an integer from 0 to 2^64 - 1.
func AsUnsigned(value any) (uint64, bool) {
	number, _ := value.(json.Number)
	found, err := strconv.ParseUint(string(number), 10, 64)
	return found, err == nil
}
