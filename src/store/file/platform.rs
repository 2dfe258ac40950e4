//! Differences between operating systems. Systems that are neither Unix nor Windows are not tested.

#[cfg(not(windows))]
use std::path::Path;

#[cfg(not(windows))]
use super::system::Stat;

#[cfg(unix)]
mod imp {
    use std::fs::{DirBuilder, Metadata, OpenOptions, Permissions, set_permissions};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
    use std::path::Path;

    use super::super::system::{Kind, Stat};

    const OWNER_FILE: u32 = 0o600;
    const OWNER_DIRECTORY: u32 = 0o700;

    /// `O_NONBLOCK`, where its value is known: opening a pipe for reading must not wait for a writer.
    const NON_BLOCKING: i32 = if cfg!(all(
        any(target_os = "linux", target_os = "android"),
        any(target_arch = "x86", target_arch = "x86_64", target_arch = "arm", target_arch = "aarch64")
    )) {
        0o4000
    } else if cfg!(any(target_vendor = "apple", target_os = "freebsd", target_os = "netbsd", target_os = "openbsd")) {
        4
    } else {
        0
    };

    pub(in super::super) fn stat(kind: Kind, metadata: &Metadata) -> Stat {
        let nanos = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        Stat {
            kind,
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: nanos(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanos(metadata.ctime(), metadata.ctime_nsec()),
            mode: Some(metadata.mode() & 0o7777),
            owner: Some(metadata.uid()),
        }
    }

    pub(in super::super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
        options.mode(OWNER_FILE)
    }

    pub(in super::super) fn never_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
        options.custom_flags(NON_BLOCKING)
    }

    pub(in super::super) fn private_directories(builder: &mut DirBuilder) -> &mut DirBuilder {
        builder.mode(OWNER_DIRECTORY)
    }

    pub(in super::super) fn make_private(path: &Path) -> io::Result<()> {
        set_permissions(path, Permissions::from_mode(OWNER_FILE))
    }
}

/// Only Windows needs these: elsewhere an open file may be removed and replaced.
#[cfg(not(windows))]
mod without_sharing {
    use std::fs::OpenOptions;
    use std::io;
    use std::path::{Path, PathBuf};

    pub(in super::super) fn staying(options: &mut OpenOptions) -> &mut OpenOptions {
        options
    }

    pub(in super::super) fn is_in_use(_error: &io::Error) -> bool {
        false
    }

    pub(in super::super) fn plain(path: PathBuf) -> PathBuf {
        path
    }

    pub(in super::super) fn is_shared(_path: &Path) -> bool {
        false
    }
}

#[cfg(not(unix))]
mod imp {
    use std::fs::{DirBuilder, Metadata, OpenOptions};
    use std::io;
    use std::path::Path;

    use super::super::disk::nanos;
    use super::super::system::{Kind, Stat};

    /// The standard library does not provide the file's id. Versions of a document differ in time and size; on Windows a
    /// lock file cannot be replaced while it is open.
    pub(in super::super) fn stat(kind: Kind, metadata: &Metadata) -> Stat {
        let time = |time: io::Result<_>| time.map_or(0, nanos);
        Stat {
            kind,
            device: 0,
            inode: 0,
            size: metadata.len(),
            modified: time(metadata.modified()),
            changed: time(metadata.created()),
            mode: None,
            owner: None,
        }
    }

    /// Permissions are inherited from the directory.
    pub(in super::super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
        options
    }

    pub(in super::super) fn never_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
        options
    }

    pub(in super::super) fn private_directories(builder: &mut DirBuilder) -> &mut DirBuilder {
        builder
    }

    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    pub(in super::super) fn make_private(_path: &Path) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(windows)]
pub(super) use super::windows::{is_in_use, is_shared, plain, staying};
pub(super) use imp::{make_private, never_waiting, private, private_directories, stat};
#[cfg(not(windows))]
pub(super) use without_sharing::{is_in_use, is_shared, plain, staying};

/// File systems whose locks may not hold between machines.
#[cfg(any(target_os = "linux", test))]
const NETWORK: [&str; 18] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "afs",
    "fuse.sshfs",
    "ceph",
    "fuse.ceph",
    "fuse.ceph-fuse",
    "glusterfs",
    "fuse.glusterfs",
    "lustre",
    "beegfs",
    "vboxsf",
    "virtiofs",
    "fuse.vmhgfs-fuse",
];

/// Returns the network file system of a file, according to the kernel's list of mounts, which only Linux has.
#[cfg(target_os = "linux")]
pub(super) fn network(_directory: &Path, stat: &Stat) -> std::io::Result<Option<String>> {
    #[expect(clippy::disallowed_methods, reason = "the file store's own access to files")]
    let mounts = std::fs::read_to_string("/proc/self/mountinfo")?;
    Ok(network_mount(&mounts, stat.device))
}

#[cfg(windows)]
pub(super) use super::windows::network;

#[cfg(not(any(target_os = "linux", windows)))]
pub(super) fn network(_directory: &Path, _stat: &Stat) -> std::io::Result<Option<String>> {
    Ok(None)
}

/// Finds the mount of a device in the text of `mountinfo`.
#[cfg(any(target_os = "linux", test))]
fn network_mount(mounts: &str, device: u64) -> Option<String> {
    let major = ((device >> 8) & 0xfff) | ((device >> 32) & 0xffff_f000);
    let minor = (device & 0xff) | ((device >> 12) & 0xffff_ff00);
    let device = format!("{major}:{minor}");
    let mount = mounts.lines().find(|line| line.split(' ').nth(2) == Some(device.as_str()))?;
    let kind = mount.split_once(" - ")?.1.split(' ').next()?;
    NETWORK.contains(&kind).then(|| kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::network_mount;

    #[test]
    fn network_mounts_are_known_by_their_device() {
        let mounts = "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
                      90 22 0:45 / /home rw shared:2 - nfs4 server:/home rw,vers=4.2\n";
        assert_eq!(network_mount(mounts, 45), Some("nfs4".to_owned()));
        assert_eq!(network_mount(mounts, 254 << 8), None);
        assert_eq!(network_mount(mounts, 7), None);
        for kind in ["ceph", "fuse.glusterfs", "lustre", "beegfs", "vboxsf", "virtiofs"] {
            let mounts = format!("90 22 0:45 / /home rw shared:2 - {kind} server rw\n");
            assert_eq!(network_mount(&mounts, 45).as_deref(), Some(kind));
        }
    }
}
