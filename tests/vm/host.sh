# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# One emulated host: a folder with its console, its process and its port.
# shellcheck source=tests/vm/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

VM_MEMORY=${BALLOOND_VM_MEMORY:-4096} # MiB; dom0 takes 1024 of them
VM_BOOT_LIMIT=400 # seconds until dom0 must answer
VM_DEBUG_KERNEL=no # yes: guests run on that of 'debug-kernel'
VM_XEN=${VM_XEN:-stock} # or a kind of 'hypervisor'
VM_NODES=${VM_NODES:-1} # of memory and processors; with 2, dom0 has a processor on each

# host_start RUN RELEASE XENSTORED LIMIT: start a machine that lives in the
# folder RUN, for LIMIT seconds at most. The disk is never written.
host_start() {
	local run=$1 release=$2 xenstored=$3 limit=$4 image port tries xen options="" nodes=()
	need qemu-system-x86_64 qemu-system-x86 ssh openssh-client
	image=$VM_DIR/image-$release
	xen=$image/xen
	[ "$VM_XEN" = stock ] || xen=$VM_DIR/xen-$release-$VM_XEN/xen
	[ "$VM_XEN" != flask ] || options=flask=enforcing
	[ "$VM_NODES" = 1 ] || nodes=(
		-object "memory-backend-ram,size=$((VM_MEMORY / 2))M,id=m0"
		-object "memory-backend-ram,size=$((VM_MEMORY / 2))M,id=m1"
		-numa "node,cpus=0,memdev=m0,nodeid=0" -numa "node,cpus=1,memdev=m1,nodeid=1"
	)
	mkdir -p "$run"
	cp "$image/known_hosts" "$run/known_hosts"
	install -m 600 "$image/ssh-key" "$run/ssh-key"
	rm -f "$run/console.log" # of a host that crashed
	for tries in 1 2 3 4 5; do
		port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
		# qemu64 and no other: richer models make dom0 or Xen fault under TCG.
		# One vcpu for dom0: with two, Linux patching its own code (static
		# keys) now and then meets a breakpoint TCG has kept, and panics.
		# No scrubbing at boot: it touches all the memory there is.
		timeout -k 10 "$limit" qemu-system-x86_64 -name "balloond-$release" \
			-machine q35 -accel tcg,thread=multi -cpu qemu64,+npt -smp 2 \
			-m "$VM_MEMORY" -nodefaults -no-reboot -display none -monitor none \
			-serial "file:$run/console.log" \
			"${nodes[@]}" -kernel "$xen" \
			-append "com1=115200,8n1 console=com1 dom0_mem=1024M,max:1024M dom0_max_vcpus=$VM_NODES bootscrub=0 noreboot $options" \
			-initrd "$image/vmlinuz console=hvc0 net.ifnames=0 quiet vm.xenstored=$xenstored,$image/initrd" \
			-drive "file=$image/disk.img,format=raw,if=virtio,snapshot=on" \
			-netdev "user,id=n,restrict=on,hostfwd=tcp:127.0.0.1:$port-:22" \
			-device virtio-net-pci,netdev=n,romfile= \
			</dev/null >"$run/qemu.log" 2>&1 &
		echo $! >"$run/pid"
		disown
		host_watch "$run" $! &
		disown
		# A port in use shows at once; anything else is for host_wait.
		sleep 1
		if host_running "$run" || ! grep -q 'host forwarding' "$run/qemu.log"; then
			break
		fi
		say "port $port is taken (try $tries)"
	done
	cat >"$run/ssh-config" <<-CONFIG
	Host dom0
	  HostName 127.0.0.1
	  Port $port
	  User root
	  IdentityFile $run/ssh-key
	  IdentitiesOnly yes
	  HostKeyAlias dom0
	  UserKnownHostsFile $run/known_hosts
	  StrictHostKeyChecking yes
	  ControlMaster auto
	  ControlPath /tmp/balloond-vm-$port.sock
	  ControlPersist 3600
	  LogLevel ERROR
	  ConnectTimeout 10
	  ServerAliveInterval 20
	  ServerAliveCountMax 9
	CONFIG
}

host_running() {
	[ -s "$1/pid" ] && kill -0 "$(cat "$1/pid")" 2>/dev/null
}

dom0() { # RUN COMMAND: a shell command in dom0, with its input, output, status
	ssh -F "$1/ssh-config" root@dom0 "$2"
}

host_crashed() { # RUN
	grep -qsaE 'Dom0 crashed|Panic on CPU|end Kernel panic' "$1/console.log"
}

# host_watch RUN PID: one that crashed would answer nobody for as long as it may
# run. What it said last is its console's.
host_watch() {
	while kill -0 "$2" 2>/dev/null; do
		if host_crashed "$1"; then
			sleep 1 # the rest of its last words
			kill "$2" 2>/dev/null
		fi
		sleep 2
	done
} </dev/null >/dev/null 2>&1

# host_wait RUN: until dom0 has started all it starts (xl list works).
host_wait() {
	local run=$1 end=$((SECONDS + VM_BOOT_LIMIT))
	until dom0 "$run" 'systemctl is-system-running --wait >/dev/null; xl list' \
		</dev/null >"$run/first.log" 2>&1; do
		if ! host_running "$run" || [ $SECONDS -ge $end ] || host_crashed "$run"; then
			tail -n 15 "$run/console.log" "$run/qemu.log" "$run/first.log" >&2
			return 1
		fi
		sleep 0.5
	done
}

# host_boot RUN RELEASE XENSTORED LIMIT: until dom0 answers. A host that does not
# come up at all is the emulator's fault (nothing of ours runs yet): two more
# tries. Later than that nothing is forgiven.
host_boot() {
	local try
	for try in 1 2 3; do
		host_start "$@"
		if host_wait "$1"; then return; fi
		say "the host did not come up (try $try)"
		host_stop "$1"
	done
	return 1
}

host_stop() { # RUN: at once; nothing on its disk is worth keeping
	local run=$1
	ssh -F "$run/ssh-config" -O exit dom0 2>/dev/null || true
	if host_running "$run"; then
		kill "$(cat "$run/pid")" 2>/dev/null || true
		timeout 20 tail --pid="$(cat "$run/pid")" -f /dev/null || true
	fi
	rm -f "$run/pid"
}

# host_push RUN FILE... FOLDER: files by their last name into a folder of dom0.
host_push() {
	local run=$1 folder=${!#} file
	shift
	for file in "${@:1:$#-1}"; do
		tar -C "$(dirname "$file")" -c --owner=0 --group=0 "$(basename "$file")"
	done | dom0 "$run" "mkdir -p '$folder' && tar -x -i -C '$folder'"
}

# prepare RELEASE DEBS: what a host needs: its image, the guest driver, the tools
# and, if DEBS is yes, the packages.
prepare() {
	"$VM_SRC/module" "$1"
	[ "$VM_DEBUG_KERNEL" = no ] || "$VM_SRC/debug-kernel"
	[ "$VM_XEN" = stock ] || "$VM_SRC/hypervisor" "$1" "$VM_XEN"
	if [ "$2" = yes ]; then "$VM_SRC/debs" "$1"; else "$VM_SRC/debs" --only-tools "$1"; fi
}

# host_install RUN RELEASE DEBS: the suites, the tools, the guest driver and, if DEBS is yes, the
# packages, as an administrator would.
host_install() {
	local run=$1
	host_push "$run" "$VM_DIR/tools-$2"/xen{probe,build,claims} /usr/local/bin
	host_push "$run" "$VM_DIR/tools-$2"/limits-said.so /usr/lib/balloond-vm
	host_push "$run" "$VM_SRC"/{cases.sh,*lib.sh,suites} /usr/lib/balloond-vm/tests
	# What a guest's initrd is made of beside what the image has.
	host_push "$run" "$VM_DIR/tools-$2"/guest/guest{hog,kexec} "$VM_DIR/module-$2/balloond_guest.ko" \
		/usr/lib/balloond-vm
	[ "$VM_DEBUG_KERNEL" = no ] ||
		host_push "$run" "$VM_DIR"/debug-{kernel/guest-vmlinux,module/balloond_guest.ko} \
			/usr/lib/balloond-vm
	[ "$3" = yes ] || return 0
	host_push "$run" "$VM_DIR/debs-$2"/*.deb /var/tmp/debs
	dom0 "$run" 'dpkg -i /var/tmp/debs/*.deb' </dev/null >"$run/install.log" 2>&1 ||
		{ cat "$run/install.log" >&2; return 1; }
}

# host_ends RUN SECONDS: wait for a host that was told to switch itself off.
host_ends() {
	timeout "$2" tail --pid="$(cat "$1/pid")" -f /dev/null
}
