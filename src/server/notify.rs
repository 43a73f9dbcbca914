//! Keyspace notifications: what happens to keys, as messages to whoever listens (`notify-keyspace-events`).

use super::Server;
use super::config::EventClasses;

impl Server {
    /// Publishes an event of a key of database `db`, if its class is wanted. `class` is a letter of `notify-keyspace-events`; nobody hears
    /// of it before the log is durable up to `held_for`.
    pub fn notify(&mut self, db: usize, key: &[u8], class: char, event: &str, held_for: u64) {
        let wanted = self.config.notify_keyspace_events;
        if !EventClasses::of_letter(class).is_some_and(|class| wanted.contains(class)) {
            return;
        }
        if wanted.contains(EventClasses::KEYSPACE) {
            let channel = [format!("__keyspace@{db}__:").as_bytes(), key].concat();
            self.clients.publish(&channel, event.as_bytes(), held_for);
        }
        if wanted.contains(EventClasses::KEYEVENT) {
            let channel = format!("__keyevent@{db}__:{event}");
            self.clients.publish(channel.as_bytes(), key, held_for);
        }
    }

    /// Puts in force which events are wanted.
    pub(super) fn apply_notifications(&mut self) {
        let wanted = self.config.notify_keyspace_events;
        let is_sent = wanted.contains(EventClasses::KEYSPACE) || wanted.contains(EventClasses::KEYEVENT);
        self.clients.publish_changes(is_sent);
        for db in self.keyspace.all_mut() {
            db.tells_births = is_sent && wanted.contains(EventClasses::NEW);
            db.tells_misses = is_sent && wanted.contains(EventClasses::KEY_MISS);
        }
    }
}
