//go:build linux || darwin

package app

import "syscall"

// freeBytes is how much may still be written in a directory.
func freeBytes(dir string) (free uint64, known bool) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil || fs.Bsize <= 0 {
		return 0, false
	}
	return fs.Bavail * uint64(fs.Bsize), true
}
