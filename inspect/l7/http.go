package l7

func parseHTTP(h *Hint, c *Conn, in Input) Verdict { return Reject }
func beginsHTTP(b []byte) bool                     { return false }
