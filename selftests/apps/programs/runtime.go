// SPDX-License-Identifier: GPL-2.0-only
// What the Go runtime does with threads and signals: runtime schedule|garbage|faults|network|children. Prints only what
// doesn't depend on time.
package main

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func mixed(x uint64) uint64 {
	x ^= x << 13
	x ^= x >> 7
	return x ^ x<<17
}

// Three loops without calls on two processors: only preemption by SIGURG lets the others run.
func schedule() {
	runtime.GOMAXPROCS(2)
	var stop int32
	var wait sync.WaitGroup
	for i := 0; i < 3; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			x := uint64(1)
			for atomic.LoadInt32(&stop) == 0 {
				for j := 0; j < 100000000 && j >= 0; j++ {
					x = x*31 + uint64(j)
					if x == 0 || atomic.LoadInt32(&stop) != 0 {
						break
					}
				}
			}
		}()
	}
	jobs, results := make(chan int), make(chan string)
	for i := 0; i < 50; i++ {
		go func() {
			for job := range jobs {
				x := uint64(job + 1)
				for k := 0; k < 20000; k++ {
					x = mixed(x)
				}
				results <- fmt.Sprint(job, x)
			}
		}()
	}
	go func() {
		for i := 0; i < 200; i++ {
			jobs <- i
		}
		close(jobs)
	}()
	var all []string
	for i := 0; i < 200; i++ {
		all = append(all, <-results)
	}
	atomic.StoreInt32(&stop, 1)
	wait.Wait()
	sort.Strings(all)
	fmt.Printf("%x\n", sha256.Sum256([]byte(strings.Join(all, ","))))
	select {
	case <-time.After(30 * time.Millisecond):
		fmt.Println("timer")
	case <-results:
	}
}

func garbage() {
	kept := map[int]*[64]int{}
	sum := 0
	for i := 0; i < 400000; i++ {
		object := new([64]int)
		object[i%64] = i
		kept[i%3000] = object
		if i%100000 == 0 {
			runtime.GC()
		}
	}
	for _, object := range kept {
		for _, v := range object {
			sum += v
		}
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	fmt.Println(len(kept), sum, "collected:", stats.NumGC > 3)
}

type node struct {
	next  *node
	value int
}

// Null pointers are true SIGSEGVs that the runtime turns into panics.
func faults() {
	caught := 0
	for i := 0; i < 3000; i++ {
		func() {
			defer func() {
				if recover() != nil {
					caught++
				}
			}()
			var n *node
			if i%3 == 0 {
				n = &node{value: i}
			}
			n.value++
		}()
	}
	zero := caught * 0
	func() {
		defer func() { fmt.Println(recover()) }()
		fmt.Println(1 / zero)
	}()
	var deep func(n int) int
	deep = func(n int) int {
		if n == 0 {
			return 0
		}
		return 1 + deep(n-1)
	}
	fmt.Println("caught", caught, "deep", deep(1000000))
	got := make(chan os.Signal, 100)
	signal.Notify(got, syscall.SIGUSR1)
	for i := 0; i < 20; i++ {
		syscall.Kill(os.Getpid(), syscall.SIGUSR1)
		<-got
	}
	fmt.Println("20 signals")
}

func network() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				lines := bufio.NewScanner(connection)
				for lines.Scan() {
					fmt.Fprintln(connection, strings.ToUpper(lines.Text()))
				}
			}()
		}
	}()
	var wait sync.WaitGroup
	sums := make([]string, 10)
	for i := range sums {
		wait.Add(1)
		go func(i int) {
			defer wait.Done()
			connection, err := net.Dial("tcp", listener.Addr().String())
			if err != nil {
				sums[i] = err.Error()
				return
			}
			defer connection.Close()
			reader, hash := bufio.NewReader(connection), sha256.New()
			for line := 0; line < 100; line++ {
				fmt.Fprintf(connection, "client %d line %d\n", i, line)
				answer, _ := reader.ReadString('\n')
				hash.Write([]byte(answer))
			}
			sums[i] = fmt.Sprintf("%x", hash.Sum(nil)[:4])
		}(i)
	}
	wait.Wait()
	fmt.Println(sums)
}

func children() {
	for i := 0; i < 8; i++ {
		command := exec.Command("sh", "-c", fmt.Sprintf("cat; echo child %d; exit %d", i, i))
		command.Stdin = strings.NewReader("input ")
		out, err := command.Output()
		fmt.Printf("%q %v\n", out, err)
	}
	sleeper := exec.Command("sleep", "30")
	sleeper.Start()
	sleeper.Process.Kill()
	fmt.Println(sleeper.Wait())
}

func gate() {
	path := os.Getenv("APP_GATE")
	if path == "" {
		return
	}
	os.WriteFile(path+".ready", nil, 0o644)
	x := uint64(1)
	for {
		if _, err := os.Stat(path); err == nil {
			break
		}
		for i := 0; i < 100000; i++ {
			x = mixed(x)
		}
	}
}

func main() {
	gate()
	map[string]func(){"schedule": schedule, "garbage": garbage, "faults": faults, "network": network, "children": children}[os.Args[1]]()
}
