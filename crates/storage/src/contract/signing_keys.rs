//! Cases of [`SigningKeyStore`](crate::SigningKeyStore).

use usher_domain::{Action, ActivityEntry, ActivityFilter, KeyState, PageSize, SigningAlgorithm, SigningKeyRecord};

use super::{
    Backend, cases,
    sample::{ROUNDS, Samples, at, race},
};

cases!(signing_keys, __signing_keys_cases, {
    /// Keys come back as they were given, by creation and then by `kid`.
    pub async fn keys_come_back_as_they_were_given(backend: Backend) {
        assert_eq!(backend.signing_keys().await.unwrap(), []);
        let samples = Samples::default();
        let retiring = SigningKeyRecord {
            algorithm: SigningAlgorithm::Es256,
            state: KeyState::Retiring,
            retires_at: Some(at(9)),
            ..samples.signing_key("z", at(1))
        };
        let next = SigningKeyRecord { state: KeyState::Next, ..samples.signing_key("B", at(2)) };
        let active = samples.signing_key("a", at(2));
        let given = [active.clone(), retiring.clone(), next.clone()];
        assert!(backend.signing_keys_replace(&[], &given, None).await.unwrap());
        assert_eq!(backend.signing_keys().await.unwrap(), [retiring, next, active]);
    }

    /// Keys are replaced as a whole, in whatever order they are expected; also by none.
    pub async fn keys_are_replaced_as_a_whole(backend: Backend) {
        let samples = Samples::default();
        let [a, b, c] = ["a", "b", "c"].map(|kid| samples.signing_key(kid, at(1)));
        assert!(backend.signing_keys_replace(&[], &[a.clone(), b.clone()], None).await.unwrap());
        let active = SigningKeyRecord { state: KeyState::Retiring, ..b.clone() };
        assert!(backend.signing_keys_replace(&[b, a], &[active.clone(), c.clone()], None).await.unwrap());
        assert_eq!(backend.signing_keys().await.unwrap(), [active.clone(), c.clone()]);
        assert!(backend.signing_keys_replace(&[active, c], &[], None).await.unwrap());
        assert_eq!(backend.signing_keys().await.unwrap(), []);
    }

    /// Keys that are not what was read are not replaced, however little differs.
    pub async fn keys_that_changed_are_not_replaced(backend: Backend) {
        let samples = Samples::default();
        let keys = [samples.signing_key("a", at(1))];
        assert!(backend.signing_keys_replace(&[], &keys, None).await.unwrap());
        let changed = keys.clone().map(|key| SigningKeyRecord { retires_at: Some(at(2)), ..key });
        let more = keys.iter().cloned().chain([samples.signing_key("b", at(1))]).collect::<Vec<_>>();
        for expected in [&[][..], &changed, &more] {
            assert!(!backend.signing_keys_replace(expected, &[], None).await.unwrap());
            assert_eq!(backend.signing_keys().await.unwrap(), keys);
        }
    }

    /// Of several processes that replace the same keys at once one does.
    ///
    /// Proves: OP-08
    pub async fn one_replacement_wins(backend: Backend) {
        let samples = Samples::default();
        let mut expected = Vec::new();
        for round in 0..ROUNDS {
            let contenders = (0..8).map(|contender| {
                let (backend, expected) = (backend.clone(), expected.clone());
                let new = vec![samples.signing_key(&format!("{round}-{contender}"), at(1))];
                async move || backend.signing_keys_replace(&expected, &new, None).await.unwrap().then_some(new)
            });
            let mut winners: Vec<_> = race(contenders).await.into_iter().flatten().collect();
            assert_eq!(winners.len(), 1, "round {round}");
            expected = winners.remove(0);
            assert_eq!(backend.signing_keys().await.unwrap(), expected);
        }
    }

    /// The entry that tells of a replacement is written with it, and not where nothing was replaced.
    pub async fn a_replacement_is_written_down_with_it_or_not_at_all(backend: Backend) {
        let samples = Samples::default();
        let keys = [samples.signing_key("a", at(1))];
        let (told, untold) = (samples.full_entry(), samples.entry(Action::KeyRotated, at(6)));
        assert!(backend.signing_keys_replace(&[], &keys, Some(&told)).await.unwrap());
        assert!(!backend.signing_keys_replace(&[], &[], Some(&untold)).await.unwrap());
        assert!(backend.signing_keys_replace(&keys, &[], None).await.unwrap());
        assert_eq!(entries(&backend).await, [told]);
    }

    /// Of several who replace the same keys at once the one who did is written down.
    pub async fn the_replacement_that_wins_is_written_down(backend: Backend) {
        let samples = Samples::default();
        let mut expected = Vec::new();
        for round in 0..ROUNDS {
            let contenders = (0..4).map(|contender| {
                let (backend, expected) = (backend.clone(), expected.clone());
                let new = vec![samples.signing_key(&format!("{round}-{contender}"), at(1))];
                let entry = samples.entry(Action::KeyRotated, at(round as u64));
                async move || {
                    let replaced = backend.signing_keys_replace(&expected, &new, Some(&entry)).await.unwrap();
                    replaced.then_some((new, entry))
                }
            });
            let (new, entry) = race(contenders).await.into_iter().flatten().next().unwrap();
            let written = entries(&backend).await;
            assert_eq!((written.len(), written.first()), (round + 1, Some(&entry)));
            expected = new;
        }
    }
});

/// The activity log, newest first.
async fn entries(backend: &Backend) -> Vec<ActivityEntry> {
    backend.activity_latest(&ActivityFilter::default(), PageSize::MAX).await.unwrap()
}
