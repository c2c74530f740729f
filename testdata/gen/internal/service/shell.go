package service

import (
	"log"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// shell returns a command in a process group of its own.
func shell(dir, command string) *exec.Cmd {
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PROXY="+proxyAddr[len("127.0.0.1:"):], "SERVER="+serverAddr[len("127.0.0.1:"):])
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// run runs a command to its end. Some commands are meant to fail.
func run(dir, command string) {
	out, err := shell(dir, command).CombinedOutput()
	if err != nil {
		log.Printf("%s: %v\n%s", command, err, out)
	}
}

// stop ends a server and waits for it, since the next one uses the same port.
func stop(cmd *exec.Cmd) {
	syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	kill := time.AfterFunc(10*time.Second, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	cmd.Wait()
	kill.Stop()
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // its children
}
