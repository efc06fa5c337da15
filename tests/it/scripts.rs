//! Runs the folders of `tests/scripts`, each as one test.

use crate::script::check_all;

macro_rules! folders {
    ($($folder:ident),* $(,)?) => {
        $(
            #[test]
            fn $folder() {
                check_all(concat!("tests/scripts/", stringify!($folder)));
            }
        )*

        #[test]
        fn every_folder_is_a_test() {
            let mut found: Vec<String> = std::fs::read_dir(crate::root().join("tests/scripts"))
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            // The hostile scripts have their own harness.
            found.retain(|folder| folder != "hostile");
            found.sort();
            assert_eq!(found, [$(stringify!($folder)),*]);
        }
    };
}

folders!(
    channels,
    copying,
    governing,
    interpreters,
    leaks,
    library,
    queues,
    threads,
    values,
);
