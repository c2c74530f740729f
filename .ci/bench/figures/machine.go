package figures

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Machine describes the machine and the kernel that figures are measured on.
func Machine() string {
	return fmt.Sprintf("%s, %d CPUs, Linux %s, %s", processor(), runtime.NumCPU(), ReadText("/proc/sys/kernel/osrelease"), runtime.Version())
}

// processor returns the model name of the processor.
func processor() string {
	for line := range strings.Lines(ReadText("/proc/cpuinfo")) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// LoadAverage returns the load average of the last minute.
func LoadAverage() string {
	first, _, _ := strings.Cut(ReadText("/proc/loadavg"), " ")
	if first == "" {
		return "unknown"
	}
	return first
}

// ReadText returns a file's text without surrounding space; "" if it cannot be read.
func ReadText(name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
