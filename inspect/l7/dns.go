package l7

func parseDNS(h *Hint, c *Conn, in Input) Verdict       { return Reject }
func parseDNSStream(h *Hint, c *Conn, in Input) Verdict { return Reject }
