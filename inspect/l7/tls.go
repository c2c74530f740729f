package l7

func parseTLS(h *Hint, c *Conn, in Input) Verdict { return Reject }
func beginsTLS(b []byte) bool                     { return false }
