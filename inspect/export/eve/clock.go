package eve

import "time"

// clock prints times. It keeps the text of the last one, since events of the same second follow each other.
type clock struct {
	second int64 // Unix; of the text
	text   [len(firstSecond)]byte
}

// firstSecond is second 0, the time of a new clock.
const firstSecond = `"1970-01-01T00:00:00.000000+0000",`

// time writes Unix nanoseconds as Suricata does: in microseconds, with a zone without a colon. The zone is always UTC.
func (l *line) time(k string, nanos int64) {
	l.b = append(l.key(k), l.kept.clock.print(nanos)[:]...)
}

// print returns the text of a time, with quotes and a comma. It is valid until the next call.
func (c *clock) print(nanos int64) *[len(firstSecond)]byte {
	s := second(nanos)
	if s != c.second {
		c.set(s)
	}
	micros := uint32(nanos-s*1e9) / 1000
	t := &c.text
	t[21], t[22] = digits(micros / 10000)
	t[23], t[24] = digits(micros / 100 % 100)
	t[25], t[26] = digits(micros % 100)
	return t
}

// set changes the second.
func (c *clock) set(s int64) {
	t := &c.text
	if day := floor(s, secondsOfDay); day != floor(c.second, secondsOfDay) {
		year, month, day := time.Unix(s, 0).UTC().Date()
		t[1], t[2] = digits(uint32(year) / 100)
		t[3], t[4] = digits(uint32(year) % 100)
		t[6], t[7] = digits(uint32(month))
		t[9], t[10] = digits(uint32(day))
	}
	ofDay := uint32(s - floor(s, secondsOfDay)*secondsOfDay)
	t[12], t[13] = digits(ofDay / 3600)
	t[15], t[16] = digits(ofDay / 60 % 60)
	t[18], t[19] = digits(ofDay % 60)
	c.second = s
}

const secondsOfDay = 24 * 60 * 60

// second returns the Unix second of Unix nanoseconds.
func second(nanos int64) int64 { return floor(nanos, 1e9) }

// floor divides, and rounds down.
func floor(n, by int64) int64 {
	q := n / by
	if n%by < 0 {
		q--
	}
	return q
}

// digits returns the two digits of a number of at most 99.
func digits(n uint32) (tens, ones byte) { return byte('0' + n/10), byte('0' + n%10) }
